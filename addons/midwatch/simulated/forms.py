"""Forms with files, read by the standard library's reader of mail: their fields as the JSON that they stand for."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from midwatch.simulated.call import Json
from midwatch.simulated.transport.compression import UndecodableBodyError


def is_form(content_type: str) -> bool:
    """Whether a body of this content type is a form with parts."""
    return content_type.lower().startswith("multipart/form-data")


def form_fields(body: bytes, content_type: str) -> Json:
    """Each field's text, or `{"filename", "data"}` of a file; a name that ends in `[]` has a list.

    Raises UndecodableBodyError.
    """
    head = b"content-type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = message.get_payload() if message.is_multipart() else None
    if not isinstance(parts, list):
        raise UndecodableBodyError("body is no form")
    fields: Json = {}
    for part in parts:
        if isinstance(part, Message):
            _put(fields, str(part.get_param("name", "", "content-disposition")), _value(part))
    return fields


def _value(part: Message) -> Any:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    name = part.get_filename()
    return data.decode("utf-8", "replace") if name is None else {"filename": name, "data": data}


def _put(fields: Json, name: str, value: Any) -> None:
    if name.endswith("[]"):
        fields.setdefault(name, []).append(value)
    else:
        fields[name] = value

"""HAR 1.2 as a JSON Schema, written from its specification (http://www.softwareishard.com/blog/har-12-spec/)."""

from __future__ import annotations

from typing import Any

TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}


def _object(needed: dict[str, Any], **may: Any) -> dict[str, Any]:
    """An object with the members of the specification, and custom ones that begin with an underscore."""
    known = {**needed, **may, "comment": TEXT}
    return {
        "type": "object",
        "required": list(needed),
        "properties": known,
        "patternProperties": {"^_": {}},
        "additionalProperties": False,
    }


def _list(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
_SPAN = {"type": "number", "minimum": -1}
_NAMED = _object({"name": TEXT, "value": TEXT})
_COOKIE = _object(
    {"name": TEXT, "value": TEXT},
    path=TEXT,
    domain=TEXT,
    expires=TEXT,
    httpOnly={"type": "boolean"},
    secure={"type": "boolean"},
)
_PARAM = _object({"name": TEXT}, value=TEXT, fileName=TEXT, contentType=TEXT)
_REQUEST = _object(
    {
        "method": TEXT,
        "url": {"type": "string", "pattern": "^https?://"},
        "httpVersion": TEXT,
        "cookies": _list(_COOKIE),
        "headers": _list(_NAMED),
        "queryString": _list(_NAMED),
        "headersSize": WHOLE,
        "bodySize": WHOLE,
    },
    postData=_object({"mimeType": TEXT}, text=TEXT, params=_list(_PARAM)),
)
_RESPONSE = _object(
    {
        "status": WHOLE,
        "statusText": TEXT,
        "httpVersion": TEXT,
        "cookies": _list(_COOKIE),
        "headers": _list(_NAMED),
        "content": _object({"size": WHOLE, "mimeType": TEXT}, compression=WHOLE, text=TEXT, encoding=TEXT),
        "redirectURL": TEXT,
        "headersSize": WHOLE,
        "bodySize": WHOLE,
    }
)
_ENTRY = _object(
    {
        "startedDateTime": _MOMENT,
        "time": {"type": "number", "minimum": 0},
        "request": _REQUEST,
        "response": _RESPONSE,
        "cache": _object({}),
        "timings": _object(
            {"send": _SPAN, "wait": _SPAN, "receive": _SPAN}, blocked=_SPAN, dns=_SPAN, connect=_SPAN, ssl=_SPAN
        ),
    },
    pageref=TEXT,
    serverIPAddress=TEXT,
    connection=TEXT,
)
_MAKER = _object({"name": TEXT, "version": TEXT})
_LOG = _object(
    {"version": {"const": "1.2"}, "creator": _MAKER, "entries": _list(_ENTRY)}, browser=_MAKER, pages=_list({})
)
HAR = {"type": "object", "required": ["log"], "properties": {"log": _LOG}, "additionalProperties": False}

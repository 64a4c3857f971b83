"""multipart/form-data (RFC 7578), read from a body in memory: what is broken in a form is said, nothing is raised."""

import re
from dataclasses import dataclass

# Far above any form of an LLM's API: beyond these a body is noise.
MAX_PARTS = 1000
_MAX_HEAD = 16 * 1024
_MAX_BOUNDARY = 200
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^";\s]+))', re.IGNORECASE)
# In quotes; a backslash before a quote is RFC 2616's, `%22` is the browsers' (WHATWG HTML, section 4.10.21.8).
_PARAMETER = re.compile(r';\s*(name|filename)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^";\s]*))', re.IGNORECASE)
_FIELD = "form-data"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPart:
    """One field of a form. `filename` is None for a plain value; `data` is a view into the body, not a copy."""

    name: str
    data: memoryview
    filename: str | None = None
    content_type: str = ""

    @property
    def is_file(self) -> bool:
        """Whether this is a file, or what some clients send as one without a name."""
        kind = self.content_type.partition(";")[0].strip().lower()
        return self.filename is not None or kind not in ("", "text/plain", "application/json")

    def text(self) -> str:
        """The value as text; bytes that are no UTF-8 become U+FFFD."""
        return str(self.data, "utf-8", "replace")


def is_form(content_type: str) -> bool:
    """Whether a body of this content type is a form with parts."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def read_form(body: bytes, content_type: str) -> tuple[list[FormPart], str | None]:
    """The parts of a form in their order, as far as they can be read, and what stopped that, if anything did."""
    boundary = _boundary_of(content_type)
    if boundary is None:
        return [], "the form's content type names no boundary"
    marker, parts, number = b"\r\n--" + boundary, list[FormPart](), 0
    if body.startswith(marker[2:]):  # no preamble: the first boundary has no line end before it
        found, at = 0, len(marker) - 2
    else:
        found = body.find(marker)
        at = found + len(marker)
    while found >= 0 and not body.startswith(b"--", at):
        number += 1
        if number > MAX_PARTS:
            return parts, f"more than {MAX_PARTS} parts in one form"
        head_end = body.find(b"\r\n\r\n", at, at + _MAX_HEAD)
        if head_end < 0:
            return parts, f"part {number} of the form has no end of its head"
        found = body.find(marker, head_end + 4)
        if part := _part(body[at:head_end], memoryview(body)[head_end + 4 : found if found >= 0 else len(body)]):
            parts.append(part)
        at = found + len(marker)
    return parts, None if found >= 0 else "the form ends before its last boundary"


def _boundary_of(content_type: str) -> bytes | None:
    found = _BOUNDARY.search(content_type)
    boundary = (found[1] or found[2] or "") if found else ""
    if not 0 < len(boundary) <= _MAX_BOUNDARY:
        return None
    return boundary.encode("utf-8", "surrogateescape")


def _part(head: bytes, data: memoryview) -> FormPart | None:
    """The part of a head; None where it is no field of a form."""
    fields: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    disposition = fields.get("content-disposition", "")
    if not disposition.lower().startswith(_FIELD):
        return None
    named = {key.lower(): _plain(quoted, bare) for key, quoted, bare in _PARAMETER.findall(disposition)}
    return FormPart(
        name=named.get("name", ""),
        data=data,
        filename=named.get("filename"),
        content_type=fields.get("content-type", ""),
    )


def _plain(quoted: str, bare: str) -> str:
    text = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted else bare
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")

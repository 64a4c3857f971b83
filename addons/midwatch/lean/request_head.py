"""What is wrong with the head of an HTTP/1 request as its bytes stand on the wire: where two readers may differ.

mitmproxy reads a head as kindly as it can and writes it anew, or passes on what it did not understand; a server behind
it, or a proxy before it, may see another request in the same bytes. https://www.rfc-editor.org/rfc/rfc9112#section-11.2.
"""

from __future__ import annotations

import re

# Section 3: method SP request-target SP HTTP-version. Nothing later than 1.1 is spoken this way.
_LINE = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64} [^\x00-\x20\x7f]+ HTTP/1\.[01]\r\n"
# RFC 9110, section 5.5: of the control characters, a field's value may only have tabs; a line that begins with a blank
# is the last one's rest.
_FIELD = rb"[^\x00-\x20\x7f][^\x00-\x08\x0a-\x1f\x7f]*\r\n"
_HEAD = re.compile(_LINE + rb"(?:" + _FIELD + rb")*\r\n")
_REQUEST_LINE = re.compile(_LINE)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = re.compile(rb"\r\n(?:content-length|transfer-encoding):", re.IGNORECASE)


def objection_to_head(raw: bytes) -> str | None:
    """Why a whole head, up to and with its empty line, is refused; None where all readers read it alike."""
    if _HEAD.fullmatch(raw) is None:
        return _objection_to_form(raw)
    if raw.lower().count(b"\r\nhost:") > 1:
        return "two Host fields (RFC 9112, section 3.2)"
    if raw.startswith(b"CONNECT ") and _FRAMING.search(raw):
        return "a CONNECT with content (RFC 9110, section 9.3.6)"
    return None


def _objection_to_form(raw: bytes) -> str:
    if raw.count(b"\n") != raw.count(b"\r\n"):
        return "a line that ends without CR (RFC 9112, section 2.2)"
    if _REQUEST_LINE.match(raw) is None:
        return "a request line that is none (RFC 9112, section 3)"
    if any(_CONTROL.search(line) for line in raw.split(b"\r\n")):
        return "a control character in a field (RFC 9110, section 5.5)"
    return "a field that is folded (RFC 9112, section 5.2)"

"""The blocks of a PEM file (RFC 7468). Text around them is allowed there, and is passed over."""

import re
from datetime import datetime

# No pattern reaches from a block's beginning to its end: where the ends are missing it would look for each anew.
_BOUNDARY = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----")
# Ahead of a CA that waits.
_FROM = re.compile(rb"\Afrom: ([0-9T:+.-]{10,40})\n")


def blocks(pem: bytes) -> list[tuple[str, bytes]]:
    """Each block with its label, such as `CERTIFICATE` or `EC PRIVATE KEY`, in their order; in one walk of the text.

    A block that has not ended where the next begins, or the end of another kind comes, is none.
    """
    found: list[tuple[str, bytes]] = []
    kind, begin = b"", -1
    for boundary in _BOUNDARY.finditer(pem):
        if boundary[1] == b"BEGIN":
            kind, begin = boundary[2], boundary.start()
        else:
            if begin >= 0 and boundary[2] == kind:
                found.append((kind.decode(), pem[begin : boundary.end()]))
            begin = -1
    return found


def certificates_in(pem: bytes) -> bytes:
    """The certificates alone: for who must not hold the key beside them."""
    return b"\n".join(block for kind, block in blocks(pem) if kind == "CERTIFICATE")


def moment_of(pem: bytes) -> datetime | None:
    """When a CA that waits takes over, as `with_moment` wrote it; None where that is not said."""
    found = _FROM.match(pem)
    try:
        return datetime.fromisoformat(found[1].decode()) if found else None
    except ValueError:
        return None


def with_moment(pem: bytes, at: datetime) -> bytes:
    """A CA's PEM that says when it takes over: one file, so that neither is there without the other."""
    return b"from: %s\n" % at.isoformat().encode() + pem

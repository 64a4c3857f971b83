"""HTTP/1.1 requests out of bytes: any split of the bytes gives the same requests. Sans-I/O."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from midwatch.simulated.service import RawRequest

_MAX_HEAD = 64 << 10
_MAX_BODY = 1 << 30


class BadRequestError(ValueError):
    """Bytes that are no HTTP/1.1 request; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A request's head. `length` is None for a chunked body."""

    method: str
    target: str
    http_version: str
    headers: tuple[tuple[str, str], ...]
    fields: dict[str, str]
    length: int | None
    expects_continue: bool
    keep_alive: bool


@lru_cache(maxsize=256)
def parse_head(data: bytes) -> Head:
    """The head in `data` (without the blank line). Cached: a client repeats itself. Raises BadRequestError."""
    first, *lines = data.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError(f"no request line: {first[:80]!r}")
    headers = tuple(_header(line) for line in lines)
    fields = {name.lower(): value for name, value in headers}
    connection = fields.get("connection", "").lower()
    return Head(
        method=parts[0],
        target=parts[1],
        http_version=parts[2],
        headers=headers,
        fields=fields,
        length=_length(fields),
        expects_continue=fields.get("expect", "").lower() == "100-continue",
        keep_alive="close" not in connection and (parts[2] != "HTTP/1.0" or "keep-alive" in connection),
    )


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip():
        raise BadRequestError(f"no header line: {line[:80]!r}")
    return name, value.strip(" \t")


def _length(fields: dict[str, str]) -> int | None:
    coding = fields.get("transfer-encoding", "").lower()
    if coding:
        if coding != "chunked":
            raise BadRequestError(f"unknown transfer-encoding {coding!r}")
        return None
    text = fields.get("content-length", "0")
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > _MAX_BODY:
        raise BadRequestError(f"no usable content-length: {text[:40]!r}")
    return int(text)


class RequestReader:
    """Feed bytes, take requests. `head` is that of the request whose body is not complete yet."""

    __slots__ = ("_buffer", "_chunk_left", "_chunks", "_trailer", "head")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._chunks = bytearray()
        self._chunk_left = -1
        self._trailer = False
        self.head: Head | None = None

    @property
    def pending(self) -> int:
        """Bytes fed and not yet part of a request."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """More bytes from the wire."""
        self._buffer += data

    def rest(self) -> bytes:
        """Take what was fed and is no request: what follows the handshake of another protocol."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return rest

    def next(self) -> RawRequest | None:
        """The next complete request, or None. Raises BadRequestError; the connection is then of no more use."""
        if self.head is None and not self._read_head():
            return None
        assert self.head is not None
        body = self._read_chunked() if self.head.length is None else self._read_counted(self.head.length)
        if body is None:
            return None
        head, self.head = self.head, None
        return RawRequest(
            http_version=head.http_version,
            method=head.method,
            target=head.target,
            authority=head.fields.get("host", ""),
            headers=head.headers,
            fields=head.fields,
            body=body,
            keep_alive=head.keep_alive,
        )

    def _read_head(self) -> bool:
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise BadRequestError("head is too long")
            return False
        self.head = parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        return True

    def _read_counted(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        if len(self._buffer) == length:
            body, self._buffer = bytes(self._buffer), bytearray()
            return body
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _read_chunked(self) -> bytes | None:
        while not self._trailer:
            if self._chunk_left < 0 and not self._read_chunk_size():
                return None
            if self._trailer:
                break
            if not self._read_chunk():
                return None
        return self._end_chunked()

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise BadRequestError("chunk line is too long")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _read_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        text = line.partition(b";")[0].strip()
        if not text or len(text) > 8 or text.strip(b"0123456789abcdefABCDEF"):
            raise BadRequestError(f"no chunk size: {line[:40]!r}")
        self._chunk_left = int(text, 16)
        self._trailer = self._chunk_left == 0
        if len(self._chunks) + self._chunk_left > _MAX_BODY:
            raise BadRequestError("body is too long")
        return True

    def _read_chunk(self) -> bool:
        if len(self._buffer) < self._chunk_left + 2:
            return False
        self._chunks += self._buffer[: self._chunk_left]
        if self._buffer[self._chunk_left : self._chunk_left + 2] != b"\r\n":
            raise BadRequestError("chunk does not end where its size says")
        del self._buffer[: self._chunk_left + 2]
        self._chunk_left = -1
        return True

    def _end_chunked(self) -> bytes | None:
        while (line := self._line()) is not None:
            if not line:
                body = bytes(self._chunks)
                self._chunks, self._chunk_left, self._trailer = bytearray(), -1, False
                return body
        return None

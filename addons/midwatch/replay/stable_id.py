"""Ids of replayed calls: made from what was recorded, so that replaying a file again stores nothing again."""

import hashlib
from collections.abc import Iterator

from mitmproxy import http

from midwatch_core.ids import uuid7


class StableIds:
    """The ids of one flow's calls, as one tenant has them."""

    def __init__(self, flow: http.HTTPFlow, tenant: str) -> None:
        digest = hashlib.sha256()
        for part in (tenant.encode(), *_parts(flow)):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
        self._digest = digest.digest()

    def id(self, number: int, at_s: float) -> str:
        """A UUIDv7 for the flow's call of this number, which began at `at_s`; the same one each time."""
        own = hashlib.sha256(self._digest + number.to_bytes(8)).digest()
        return uuid7(at_s, lambda count: own[:count])


def _parts(flow: http.HTTPFlow) -> Iterator[bytes]:
    request, response = flow.request, flow.response
    yield f"{request.method} {request.url} {request.timestamp_start}".encode("utf-8", "replace")
    yield request.raw_content or b""
    if response is not None:
        yield str(response.status_code).encode()
        yield response.raw_content or b""
    if flow.websocket is not None:
        for message in flow.websocket.messages:
            yield b"sent" if message.from_client else b"received"
            yield message.content

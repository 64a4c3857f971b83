"""Editing MCP's streams: bytes kept, texts replaced where they stand, and a stream cut so that its client knows."""

import json
from typing import Any

import pytest
from hypothesis import given

from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.mcp.calls import Mcp
from midwatch_core.wire.editing.errors import StreamCut
from midwatch_core.wire.target import Target
from tests.core.wire.editing.filters import Holding, Makes, editor, run, same, swapped
from tests.core.wire.editing.streams import Stream
from tests.core.wire.wire_checks import anything, by_path, cuts, mutated, split_at, sse

TARGET = Target(host="mcp.test", path="/mcp", headers={"accept": "application/json, text/event-stream"})
ASKED = Mcp().bound({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, TARGET)
LISTENS = Mcp().bound(None, Target(host="mcp.test", path="/sse", method="GET"))
LOGGED = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "looking"}}
LISTED = {
    "jsonrpc": "2.0",
    "id": 1,
    "result": {"tools": [{"name": "add", "description": "Looks in here", "inputSchema": {"type": "object"}}]},
}
BODY = b"event: endpoint\ndata: /messages/\n\nid: 1\ndata:\n\n: ping\n\n" + sse(LOGGED, LISTED)
REFUSAL = Refusal(status=403, code="policy_cut", message="Cut by policy.", request_id="req-7")
STREAMS = [Stream("asked", ASKED, BODY), Stream("listens", LISTENS, BODY), Stream("unbound", Mcp(), BODY)]


class Cutting(Holding):
    def whole(self, text: str) -> str:
        if "add" in text:
            raise StreamCut("add")
        return text


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_nothing_changed_is_every_byte_kept(stream: Stream) -> None:
    makes = Makes()
    assert run(stream, makes) == BODY
    assert {path: item.given for path, item in makes.made.items()} == {
        path: text for path, (_, text) in by_path(stream.decode(BODY)).items()
    }


@given(document=mutated(LOGGED, LISTED, [LOGGED, LISTED]) | anything, where=cuts)
def test_whatever_comes_keeps_its_bytes_and_what_follows_is_read(document: Any, where: list[int]) -> None:
    stream, makes = Stream("any", ASKED, sse(document, [document, 7, LOGGED]) + BODY), Makes(strict=False)
    edits = editor(stream, makes)
    assert b"".join([*map(edits.feed, split_at(stream.body, where)), edits.close()]) == stream.body
    assert [item.given for item in makes.made.values()].count("looking") >= 2


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_texts_are_changed_where_they_stand(stream: Stream) -> None:
    before, after = by_path(stream.decode(BODY)), by_path(stream.decode(run(stream, Makes(swapped))))
    assert after == {path: (part, swapped(text)) for path, (part, text) in before.items()}
    assert {part for part, _ in after.values()} == {Part.TOOL_RESULT, Part.TOOL_DEFINITION}


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_cut_answers_the_request_whose_answer_does_not_go_out(stream: Stream) -> None:
    edits = editor(stream, lambda path, part, json: Cutting(same))
    out = edits.feed(BODY)
    assert edits.cut_by is not None
    assert b"add" not in out
    error = json.loads(edits.cut(REFUSAL).partition(b"data: ")[2])
    assert (error["id"], error["error"]["message"]) == (1, "Cut by policy.")

"""Keeping: a call's answer passes unchanged and is there afterwards; a flow can be saved whatever our addons keep."""

from __future__ import annotations

import copy
import io

import orjson
import pytest
from mitmproxy import ctx, http
from mitmproxy.flow import Error
from mitmproxy.io import FlowReader, FlowWriter

from midwatch.viewer.keeping import FlowMetadata
from midwatch.viewer.notes import note_of
from tests.addons.proxy.conftest import ANSWER, QUESTION, answer_head, make_flow
from tests.addons.viewer.conftest import MOST_BYTES, Viewed

STREAMED = orjson.dumps({**QUESTION, "stream": True})
EVENTS = [
    b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n',
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"lo."},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]


def written(flow: http.HTTPFlow) -> http.HTTPFlow:
    """The flow as a file of mitmproxy's has it."""
    file = io.BytesIO()
    FlowWriter(file).add(flow)
    file.seek(0)
    (read,) = FlowReader(file).stream()
    assert isinstance(read, http.HTTPFlow)
    return read


async def test_a_streamed_answer_is_there_when_it_has_passed(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow(body=STREAMED))
    assert viewed.answer(flow, *EVENTS, content_type="text/event-stream") == b"".join(EVENTS)
    assert flow.response is not None
    assert flow.response.raw_content == b"".join(EVENTS)
    assert [item.request.model for item in viewed.watch.journalled()] == ["gpt-4o"]


async def test_it_is_there_before_mitmproxys_own_addons_hear_of_its_end(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow())
    viewed.answer(flow, ANSWER, b"", ends=False, content_type="application/json")
    assert flow.response is not None
    assert flow.response.raw_content == ANSWER


async def test_what_came_of_an_answer_that_broke_off_is_kept(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow(body=STREAMED))
    viewed.answer(flow, EVENTS[0], ends=False, content_type="text/event-stream")
    assert flow.response is not None
    assert flow.response.raw_content is None
    flow.error = Error("connection closed")
    viewed.watch.addon.error(flow)
    viewed.bodies.error(flow)
    assert flow.response.raw_content == EVENTS[0]


async def test_an_answer_of_more_than_may_be_kept_passes_and_is_not_kept(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow())
    chunks = [b"x" * 1000] * (MOST_BYTES // 1000 + 2)
    assert viewed.answer(flow, *chunks) == b"".join(chunks)
    assert flow.response is not None
    assert flow.response.raw_content is None


async def test_other_traffic_leaves_no_copy(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow(path="/v1/models", method="GET", body=b""))
    assert viewed.answer(flow, b"{}") == b"{}"
    assert flow.response is not None
    assert flow.response.raw_content is None
    assert flow.metadata == {}


async def test_where_mitmproxy_keeps_streams_itself_there_is_no_second_copy(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow())
    ctx.options.store_streamed_bodies = True
    viewed.answer(flow, ANSWER)
    assert flow.response is not None
    assert flow.response.raw_content is None


async def test_a_flow_can_be_saved_while_its_call_is_under_way_and_after(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow())
    flow.metadata["somebody_elses"] = ["kept"]
    with pytest.raises(ValueError, match="unserializable"):
        written_plainly(flow)
    assert written(flow).metadata == {"midwatch": dict(flow.metadata["midwatch"]), "somebody_elses": ["kept"]}
    viewed.answer(flow, ANSWER)
    read = written(flow)
    assert read.response is not None
    assert read.response.raw_content == ANSWER
    assert (read.comment, note_of(read)) == (flow.comment, note_of(flow))
    assert sorted(flow.metadata) == ["midwatch", "somebody_elses"]


def written_plainly(flow: http.HTTPFlow) -> None:
    """What becomes of it in a metadata of mitmproxy's own."""
    plain = flow.copy()
    plain.metadata = dict(flow.metadata)
    written(plain)


async def test_a_copy_of_a_flow_can_be_played_again(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow())
    viewed.answer(flow, ANSWER)
    again = flow.copy()
    again.response = None
    viewed.answer(viewed.ask(again), ANSWER)
    assert len(note_of(again).rows) == 1
    assert note_of(again).rows[0]["id"] != note_of(flow).rows[0]["id"]


async def test_a_refused_call_is_noted_too(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow())
    answer_head(flow, status=429, content_type="application/json")
    viewed.answer(flow, b'{"error": {"message": "slow down"}}', status=429, content_type="application/json")
    assert flow.comment == "openai gpt-4o · 429"


def test_values_of_ours_that_are_plain_are_saved() -> None:
    metadata = FlowMetadata({"midwatch_port": 80, "midwatch_call": object(), "other": {"a": 1}})
    assert copy.deepcopy(metadata) == {"midwatch_port": 80, "other": {"a": 1}}
    metadata.release()
    assert metadata == {"midwatch_port": 80, "other": {"a": 1}}

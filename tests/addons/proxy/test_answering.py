"""A streamed answer under guard: cut in order, held where a line says so, and journalled before its end goes out."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.test import taddons

from midwatch.lean.cut_streams import CUT
from midwatch_core import Detection, Part, Severity, Text, hookimpl
from midwatch_core.model.finding import Action
from tests.addons.proxy.conftest import QUESTION, Watch, answer_head, make_flow

WORD = "Mellon"
POLICY = """
policy: {{id: test}}
lines:
  - {{id: stop, when: {{direction: response, category: word}}, then: {then}, on_failure: {on_failure}}}
  - {{id: rest, then: flag}}
"""
DONE = b"data: [DONE]\n\n"


def delta(**fields: object) -> bytes:
    choice = {"index": 0, "delta": fields}
    return b"data: " + orjson.dumps({"id": "c", "choices": [choice]}) + b"\n\n"


def finish(reason: str) -> bytes:
    choice = {"index": 0, "delta": {}, "finish_reason": reason}
    return b"data: " + orjson.dumps({"id": "c", "choices": [choice]}) + b"\n\n"


def tool(**function: str) -> bytes:
    return delta(tool_calls=[{"index": 0, "function": function}])


FINE = [delta(role="assistant", content="Say "), b": alive\n\n", delta(content="friend."), finish("stop"), DONE]
SAID = [FINE[0], delta(content=f"{WORD} and"), delta(content=" enter."), finish("stop"), DONE]
CALL = [
    tool(name="open", arguments=""),
    tool(arguments='{"say": '),
    tool(arguments=f'"{WORD}"}}'),
    finish("tool_calls"),
    DONE,
]
CALM = [*CALL[:2], tool(arguments='"friend"}'), *CALL[3:]]


class Sees:
    """Finds the word in any text, and breaks at another."""

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        if "breaks" in text.original:
            raise RuntimeError("it broke")
        at = text.original.find(WORD)
        if at < 0:
            return []
        end = at + len(WORD)
        return [
            Detection(
                rule="test/word",
                category="word",
                severity=Severity.HIGH,
                confidence=1.0,
                message="The word",
                start=at,
                end=end,
            )
        ]


type Make = Callable[..., Watch]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Watch] = []

    def watch(*, then: str = "cut", on_failure: str = "pass") -> Watch:
        policy = POLICY.format(then=then, on_failure=on_failure).encode()
        made.append(Watch(tmp_path / f"journal{len(made)}", detectors=[Sees()], policy=policy))
        return made[-1]

    with taddons.context():
        yield watch
    for one in made:
        await asyncio.to_thread(one.close)


async def begun(watch: Watch, **head: Any) -> http.HTTPFlow:
    """A call whose streamed answer begins."""
    flow = make_flow(body=orjson.dumps({**QUESTION, "stream": True}))
    watch.begin(flow)
    if (hook := watch.addon.request(flow)) is not None:
        await hook
    answer_head(flow, content_type="text/event-stream", **head)
    watch.addon.responseheaders(flow)
    return flow


def sent(flow: http.HTTPFlow, chunks: Iterable[bytes]) -> bytes:
    """What goes to the client of these chunks and of the end behind them, as mitmproxy asks for it."""
    assert flow.response is not None
    stream = flow.response.stream
    assert callable(stream)
    out: list[bytes] = []
    for chunk in (*chunks, b""):
        pieces = stream(chunk)
        assert isinstance(pieces, list)
        assert b"" not in pieces  # an empty chunk ends an HTTP/1.1 body
        out += pieces
    return b"".join(out)


async def test_a_stream_is_cut_before_the_word(make: Make) -> None:
    watch = make()
    flow = await begun(watch, content_length="999")
    assert flow.response is not None
    assert "content-length" not in flow.response.headers
    assert flow.response.headers["transfer-encoding"] == "chunked"
    body = sent(flow, SAID)
    assert body.startswith(SAID[0])
    assert body.endswith(DONE)
    assert b"content_filter" in body
    assert b"blocked_by_policy" in body
    for text in (WORD, "enter"):
        assert text.encode() not in body
    assert flow.metadata[CUT] is True
    (exchange,) = watch.journalled()
    assert (exchange.action, exchange.status, exchange.error) == (Action.CUT, 200, None)
    assert exchange.response is not None
    assert [segment.text for segment in exchange.response.segments] == ["Say "]
    hook = watch.addon.response(flow)
    assert hook is None
    assert watch.journalled() == []


async def test_it_is_journalled_before_its_end_goes_out(make: Make) -> None:
    watch = make()
    flow = await begun(watch)
    assert flow.response is not None
    assert callable(flow.response.stream)
    assert flow.response.stream(SAID[0]) == [SAID[0]]
    assert watch.journalled() == []
    flow.response.stream(SAID[1])
    assert len(watch.journalled()) == 1


@pytest.mark.parametrize("then", ["block", "cut", "redact"])
async def test_a_stream_that_is_fine_keeps_its_bytes(make: Make, then: str) -> None:
    watch = make(then=then)
    flow = await begun(watch)
    events = FINE if then != "redact" else FINE[:1] + FINE[3:]
    assert sent(flow, events) == b"".join(events)
    assert CUT not in flow.metadata
    (exchange,) = watch.journalled()
    assert exchange.action is Action.ALLOW


async def test_nothing_is_held_under_cut(make: Make) -> None:
    flow = await begun(make())
    assert flow.response is not None
    assert callable(flow.response.stream)
    for event in (*FINE[:-1], *CALM[:3]):
        assert flow.response.stream(event) == [event]


@pytest.mark.parametrize(("then", "held"), [("block", True), ("cut", False)])
async def test_arguments_are_held_under_block_alone(make: Make, then: str, held: bool) -> None:
    watch = make(then=then)
    body = sent(await begun(watch), CALL)
    assert (b"say" not in body) is held
    assert WORD.encode() not in body
    assert body.endswith(DONE)
    (exchange,) = watch.journalled()
    assert exchange.action is (Action.BLOCK if held else Action.CUT)


@pytest.mark.parametrize("then", ["block", "cut"])
async def test_other_arguments_arrive_whole(make: Make, then: str) -> None:
    body = sent(await begun(make(then=then)), CALM)
    events = [orjson.loads(line[6:]) for line in body.split(b"\n\n") if line.startswith(b"data: {")]
    calls = [call for event in events for call in event["choices"][0]["delta"].get("tool_calls", ())]
    assert orjson.loads("".join(call["function"]["arguments"] for call in calls)) == {"say": "friend"}


@pytest.mark.parametrize("on_failure", ["pass", "block"])
async def test_a_detector_that_fails_on_the_way(make: Make, on_failure: str) -> None:
    watch = make(on_failure=on_failure)
    events = [FINE[0], delta(content="it breaks"), *FINE[2:]]
    body = sent(await begun(watch), events)
    (exchange,) = watch.journalled()
    assert [item.reason for item in exchange.verdicts] == ["detectors failed: detector0"]
    if on_failure == "pass":
        assert body == b"".join(events)
        assert exchange.action is Action.ALLOW
    else:
        assert b"it breaks" not in body
        assert b"inspection_failed" in body
        assert body.endswith(DONE)
        assert exchange.action is Action.BLOCK


@pytest.mark.parametrize("on_failure", ["pass", "block"])
async def test_a_coding_that_breaks_ends_with_an_error(make: Make, on_failure: str) -> None:
    """It can't go on in clear, nor in a coding that its head no longer names."""
    watch = make(on_failure=on_failure)
    flow = await begun(watch, content_encoding="gzip")
    assert flow.response is not None
    assert "content-encoding" not in flow.response.headers
    body = sent(flow, [b"this is no gzip", b"nor this"])
    assert b"inspection_failed" in body
    assert b"no gzip" not in body
    assert flow.metadata[CUT] is True
    assert len(watch.journalled()) == 1


PIECES = st.lists(st.integers(min_value=1, max_value=200), max_size=30)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(PIECES, st.booleans(), st.sampled_from([SAID, CALL, FINE]), st.sampled_from(["cut", "block"]))
async def test_any_split_gives_the_same_bytes(
    make: Make, cuts: list[int], packed: bool, events: list[bytes], then: str
) -> None:
    watch = make(then=then)
    data = b"".join(events)
    head = {"content_encoding": "gzip"} if packed else {}
    wire = gzip.compress(data) if packed else data
    chunks, at = [], 0
    for size in cuts:
        chunks.append(wire[at : at + size])
        at += size
    chunks = [chunk for chunk in (*chunks, wire[at:]) if chunk]
    body, expected = sent(await begun(watch, **head), chunks), sent(await begun(watch), events)
    ids = [exchange.id for exchange in watch.journalled()]
    assert len(ids) == 2
    for one in ids:
        body, expected = body.replace(one.encode(), b"ID"), expected.replace(one.encode(), b"ID")
    assert body == expected
    assert WORD.encode() not in body

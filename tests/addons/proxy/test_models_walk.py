"""Models on the walk of a call: a request waits for them, and an answer is ended for what they say meanwhile."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from mitmproxy import http
from mitmproxy.test import taddons

from midwatch.lean.cut_streams import CUT
from midwatch.lean.patch import PatchSet
from midwatch.lean.socket_asides import SOCKET_ASIDES
from midwatch.proxy.governing.metering import METER
from midwatch_core.config import Config
from midwatch_core.model.finding import Action
from midwatch_core.model.segment import Direction
from tests.addons.proxy.conftest import ANSWER, QUESTION, Watch, answer_head, make_flow
from tests.addons.proxy.talk import Talk, answer, create, text_of
from tests.addons.proxy.test_answering import DONE, FINE
from tests.core.models import Thinks

POLICY = """
policy: {{id: test}}
lines:
  - {{id: stop, when: {{direction: request, category: prompt_injection}}, then: {then}, models: {models}}}
  - {{id: rest, then: flag}}
"""


@pytest.fixture(autouse=True)
def asides() -> Iterator[None]:
    patches = PatchSet([SOCKET_ASIDES])
    patches.apply()
    yield
    patches.revert()


type Make = Callable[..., Watch]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Watch] = []

    def watch(model: Thinks, *, then: str = "block", models: str = "beside", **more: Any) -> Watch:
        policy = POLICY.format(then=then, models=models).encode()
        made.append(Watch(tmp_path / f"journal{len(made)}", detectors=[model], policy=policy, **more))
        return made[-1]

    with taddons.context():
        yield watch
    for one in made:
        await asyncio.to_thread(one.close)


async def asked(watch: Watch, text: str = "an evil word", **more: Any) -> http.HTTPFlow:
    body = {**QUESTION, "messages": [{"role": "user", "content": text}], **more}
    flow = make_flow(body=orjson.dumps(body))
    watch.begin(flow)
    if (hook := watch.addon.request(flow)) is not None:
        await hook
    return flow


async def speaks(model: Thinks) -> None:
    """The model says what it says."""
    model.may.set()
    for _ in range(20):  # turns of the loop
        await asyncio.sleep(0)


def begins(watch: Watch, flow: http.HTTPFlow, **head: Any) -> http.Response:
    """The provider's answer begins; what the client gets of it."""
    answer_head(flow, **{"content_type": "text/event-stream", **head})
    watch.addon.responseheaders(flow)
    assert flow.response is not None
    return flow.response


def passed(flow: http.HTTPFlow, *chunks: bytes) -> bytes:
    """What goes out of these chunks."""
    assert flow.response is not None
    stream = flow.response.stream
    assert callable(stream)
    out: list[bytes] = []
    for chunk in chunks:
        pieces = stream(chunk)
        out += [pieces] if isinstance(pieces, bytes) else pieces
    return b"".join(out)


async def test_a_request_waits_where_a_line_says_so(make: Make) -> None:
    watch = make(Thinks(ready=True), models="inline")
    flow = await asked(watch)
    assert flow.response is not None
    assert flow.response.status_code == 403
    watch.addon.responseheaders(flow)
    if (hook := watch.addon.response(flow)) is not None:
        await hook
    (exchange,) = watch.journalled()
    assert (exchange.action, exchange.classified) == (Action.BLOCK, (Direction.REQUEST,))


@pytest.mark.parametrize("then", ["cut", "block"])
async def test_a_stream_is_ended_at_its_next_event(make: Make, then: str) -> None:
    model = Thinks()
    watch = make(model, then=then)
    flow = await asked(watch, stream=True)
    begins(watch, flow)
    assert passed(flow, *FINE[:1]) == FINE[0]
    await speaks(model)
    rest = passed(flow, *FINE[1:], b"")
    assert b"content_filter" in rest
    assert b"line stop" in rest
    assert b"friend" not in rest
    assert rest.endswith(DONE)
    assert flow.metadata[CUT]
    (exchange,) = watch.journalled()
    assert exchange.action is Action[then.upper()]
    assert exchange.response is not None
    assert exchange.response.segments[0].text == "Say "


async def test_a_stream_passes_byte_for_byte_while_and_after_they_think(make: Make) -> None:
    model = Thinks()
    watch = make(model)
    flow = await asked(watch, "a word", stream=True)
    begins(watch, flow)
    out = passed(flow, *FINE[:2])
    await speaks(model)
    assert out + passed(flow, *FINE[2:], b"") == b"".join(FINE)
    (exchange,) = watch.journalled()
    assert (exchange.action, exchange.classified) == (Action.ALLOW, (Direction.REQUEST,))


async def test_a_stream_that_begins_when_they_have_spoken_is_not_even_looked_into(make: Make) -> None:
    model = Thinks()
    watch = make(model)
    flow = await asked(watch, "a word", stream=True)
    await speaks(model)
    response = begins(watch, flow, content_encoding="gzip")
    assert response.headers["content-encoding"] == "gzip"
    body = gzip.compress(b"".join(FINE))
    assert passed(flow, body, b"") == body


async def test_an_answer_that_has_not_begun_is_refused_and_the_provider_is_told(make: Make) -> None:
    model = Thinks()
    watch = make(model)
    flow = await asked(watch, stream=True)
    await speaks(model)
    response = begins(watch, flow)
    assert response.status_code == 403
    assert response.headers["x-midwatch-action"] == "block"
    (exchange,) = watch.journalled()
    body = passed(flow, FINE[0])
    assert orjson.loads(body)["error"]["request_id"] == exchange.id
    assert len(body) == int(response.headers["content-length"])
    assert flow.metadata[CUT]
    assert passed(flow, *FINE[1:], b"") == b""
    assert watch.addon.response(flow) is None
    assert (exchange.status, exchange.action) == (403, Action.BLOCK)
    assert watch.journalled() == []


async def test_a_refusal_instead_of_an_answer_without_a_body(make: Make) -> None:
    model = Thinks()
    watch = make(model)
    flow = await asked(watch)
    await speaks(model)
    response = begins(watch, flow, status=204)
    response.data.content = b""  # mitmproxy's, where a head is the end
    assert watch.addon.response(flow) is None
    assert orjson.loads(response.content or b"")["error"]["code"] == "blocked_by_policy"


@pytest.mark.parametrize("word", ["evil", "fine"])
async def test_an_answer_sent_whole_is_held_until_its_end_and_refused_then(make: Make, word: str) -> None:
    model = Thinks()
    watch = make(model)
    flow = await asked(watch, f"an {word} word")
    response = begins(watch, flow, content_type="application/json", content_length=str(len(ANSWER)))
    assert response.stream is False
    response.raw_content = ANSWER
    await speaks(model)
    if (hook := watch.addon.response(flow)) is not None:
        await hook
    assert flow.response is not None
    if word == "fine":
        assert flow.response.raw_content == ANSWER
    else:
        assert flow.response.status_code == 403
    (exchange,) = watch.journalled()
    assert exchange.action is (Action.ALLOW if word == "fine" else Action.BLOCK)


@pytest.mark.parametrize("then", ["redact", "flag"])
async def test_nothing_is_touched_where_no_line_could_end_the_call(make: Make, then: str) -> None:
    model = Thinks()
    watch = make(model, then=then)
    flow = await asked(watch, stream=True)
    body = gzip.compress(b"".join(FINE))
    assert begins(watch, flow, content_encoding="gzip").headers["content-encoding"] == "gzip"
    assert passed(flow, body[:-40]) == body[:-40]
    await speaks(model)
    assert passed(flow, body[-40:], b"") == body[-40:]
    (exchange,) = watch.journalled()
    assert exchange.action is (Action.FLAG if then == "redact" else Action.ALLOW)


async def test_an_answer_under_a_limit_is_counted_and_can_be_refused(make: Make) -> None:
    """The limit has the stream edited, whether or not models have had their say by then."""
    config = Config.model_validate({"limits": [{"id": "t", "tokens": 100_000}]})
    model = Thinks()
    watch = make(model, config=config)
    flow = await asked(watch, stream=True)
    await speaks(model)
    assert begins(watch, flow).status_code == 403
    fine = await asked(watch, "a word", stream=True)
    await speaks(model)
    begins(watch, fine)
    assert METER in fine.metadata
    assert passed(fine, *FINE, b"") == b"".join(FINE)


async def test_an_answer_on_a_socket_is_ended_at_its_next_message(make: Make) -> None:
    model = Thinks()
    talk = Talk.begin(make(model))
    await talk.asks(create("an evil word"))
    messages = answer("Say ", "friend ", "and enter.")
    await talk.answers(*messages[:3])
    assert text_of(talk.at_client) == "Say "
    await speaks(model)
    await talk.answers(*messages[3:])
    assert text_of(talk.at_client) == "Say "
    assert talk.at_client[-1]["type"] == "response.incomplete"
    (exchange,) = talk.watch.journalled()
    assert exchange.action is Action.BLOCK

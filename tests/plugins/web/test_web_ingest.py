"""Ingest over REST: calls told as JSON, taken whole or refused by their place; nobody's form gets in."""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midwatch.control.intake import METRICS
from midwatch.control.intake.batches import Batches
from midwatch.control.intake.taking import JournalIntake
from midwatch_core.clock import SystemClock
from midwatch_core.frame import FrameDecoder, encode
from midwatch_core.intake import MAX_BATCH, IntakeError
from midwatch_core.metrics import Metrics
from midwatch_core.model.content import FinishReason, Operation
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Part
from midwatch_core.model.usage import Usage
from midwatch_journal import JournalLimits, JournalReader
from midwatch_web.ingest import api
from midwatch_web.ingest.body import JSON, NDJSON
from midwatch_web.ingest.calls import ToldPlain, ToldWire
from midwatch_web.ingest.problems import UnfitError
from midwatch_web.ingest.reading import read_calls
from midwatch_web.serving import bodies
from tests.core.telling.sending import ANSWERED, ASKED, CHAT, NOW, sender, teller, texts

from .conftest import House
from .test_web_access import Keys, shows

PLAIN: dict[str, Any] = {
    "provider": "openai",
    "model": "gpt-5-mini",
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
    "output": "Paris.",
    "usage": {"prompt_tokens": 14, "completion_tokens": 2, "total_tokens": 16},
}
WIRE: dict[str, Any] = {"url": CHAT, "request": ASKED, "response": ANSWERED}
PLACE = "/api/v1/ingest"


@pytest.fixture
async def taking(house: House, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose intake writes to a small journal."""
    metrics = Metrics()
    metrics.declare(METRICS)
    limits = JournalLimits(max_bytes=512 * 1024, reserve_bytes=1024, segment_bytes=64 * 1024)
    intake = JournalIntake(
        Batches(tmp_path, limits),
        teller=teller,
        sender=lambda caller, _: sender(caller),
        clock=SystemClock(),
        metrics=metrics,
    )
    house.intake = intake
    yield house
    await intake.close()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[JournalReader]:
    with JournalReader(tmp_path) as reader:
        yield reader


@pytest.fixture
async def web(taking: House) -> AsyncIterator[httpx.AsyncClient]:
    async with taking.client() as client:
        yield client


def journalled(reader: JournalReader) -> list[Exchange]:
    return [FrameDecoder().decode(entry.payload) for entry in reader.poll()]


async def test_calls_of_both_kinds_are_taken_and_their_ids_answered(
    web: httpx.AsyncClient, reader: JournalReader
) -> None:
    answer = await web.post(PLACE, json={"calls": [PLAIN, WIRE]})
    assert answer.status_code == 202
    plain, wire = journalled(reader)
    assert answer.json() == {"ids": [plain.id, wire.id]}
    assert (plain.endpoint.dialect, wire.endpoint.dialect) == ("plain", "openai.chat")
    assert plain.response is not None
    assert plain.response.usage == Usage(input_tokens=14, output_tokens=2)
    assert texts(plain.response) == {"/choices/0/message/content/0/text": "Paris."}
    assert wire.response is not None
    assert texts(wire.response) == {"/choices/0/message/content": "Paris."}


@pytest.mark.parametrize("item", [PLAIN, WIRE], ids=["plain", "wire"])
async def test_one_call_needs_no_list(web: httpx.AsyncClient, reader: JournalReader, item: dict[str, Any]) -> None:
    assert len((await web.post(PLACE, json=item)).json()["ids"]) == 1
    assert len(journalled(reader)) == 1


async def test_lines_are_calls(web: httpx.AsyncClient, reader: JournalReader) -> None:
    lines = b"\n".join(map(orjson.dumps, (PLAIN, WIRE))) + b"\n\n"
    answer = await web.post(PLACE, content=lines, headers={"Content-Type": f"{NDJSON}; charset=utf-8"})
    assert answer.json()["ids"] == [exchange.id for exchange in journalled(reader)]


async def test_a_stream_is_told_by_its_text_and_what_is_no_text_by_base64(
    web: httpx.AsyncClient, reader: JournalReader
) -> None:
    stream = f"data: {orjson.dumps({'choices': [{'index': 0, 'delta': {'content': 'Paris.'}}]}).decode()}\n\n"
    told = {**WIRE, "response": f"{stream}data: [DONE]\n\n", "response_headers": {"Content-Encoding": "gzip"}}
    packed = base64.b64encode(gzip.compress(orjson.dumps(ANSWERED))).decode()
    other = {"url": CHAT, "request": ASKED, "response_base64": packed, "response_headers": {"content-encoding": "gzip"}}
    assert (await web.post(PLACE, json={"calls": [told, other]})).status_code == 202
    streamed, whole = journalled(reader)
    assert streamed.streamed
    for exchange in (streamed, whole):
        assert exchange.response is not None
        assert list(texts(exchange.response).values()) == ["Paris."]


async def test_a_conversation_with_tools_is_told_in_its_parts(web: httpx.AsyncClient, reader: JournalReader) -> None:
    function = {"name": "weather", "arguments": {"city": "Lisbon"}}
    told = {
        **PLAIN,
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}, {"type": "image_url"}]},
            {"role": "user", "content": "Rain?"},
            {"role": "assistant", "reasoning_content": "I look.", "tool_calls": [{"id": "c1", "function": function}]},
            {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "rain"},
        ],
        "tools": ["calendar", {"type": "function", "function": {"name": "weather"}}],
        "output": [{"role": "assistant", "content": "Take an umbrella."}],
        "finish_reason": "stop",
        "cost_usd": "0.0012",
        "streamed": True,
    }
    assert (await web.post(PLACE, json=told)).status_code == 202
    (exchange,) = journalled(reader)
    assert [segment.part for segment in exchange.request.segments] == [
        Part.TOOL_DEFINITION,
        Part.SYSTEM,
        Part.USER,
        Part.REASONING,
        Part.TOOL_CALL,
        Part.TOOL_RESULT,
    ]
    assert exchange.request.tools == ("calendar", "weather")
    assert exchange.request.tool_results[0].call_id == "c1"
    assert exchange.response is not None
    assert exchange.response.finish_reason is FinishReason.STOP
    assert exchange.cost is not None
    assert str(exchange.cost.amount) == "0.0012"


async def test_inputs_of_embeddings_are_texts(web: httpx.AsyncClient, reader: JournalReader) -> None:
    told = {"provider": "openai", "model": "e", "operation": "embeddings", "input": ["one", "two"]}
    assert (await web.post(PLACE, json=told)).status_code == 202
    (exchange,) = journalled(reader)
    assert exchange.request.operation is Operation.EMBEDDINGS
    assert [segment.text for segment in exchange.request.segments] == ["one", "two"]


async def test_a_call_that_failed_has_its_error(web: httpx.AsyncClient, reader: JournalReader) -> None:
    lost = {**PLAIN, "output": None, "error": "timed out"}
    refused = {**PLAIN, "output": None, "error": "slow down", "status": 429}
    unanswered = {"url": CHAT, "request": ASKED, "error": "timed out"}
    assert (await web.post(PLACE, json={"calls": [lost, refused, unanswered]})).status_code == 202
    seen = [(item.status, item.error, item.response is None) for item in journalled(reader)]
    assert seen == [(None, "timed out", True), (429, None, False), (None, "timed out", True)]


@pytest.mark.parametrize(
    ("sent", "index", "field"),
    [
        ({"calls": [PLAIN, {**PLAIN, "modle": "x"}]}, 1, "modle"),
        ({"calls": [PLAIN, WIRE, {"provider": 7}]}, 2, "provider"),
        ({"calls": [{**PLAIN, "messages": [{"role": "robot"}]}]}, 0, "messages.0.role"),
        ({"calls": [{**PLAIN, "usage": {"input_tokens": -1}}]}, 0, "usage.input_tokens"),
        ({"calls": [{**PLAIN, "cost_usd": "NaN"}]}, 0, "cost_usd"),
        ({"calls": [{**PLAIN, "started_at": "yesterday"}]}, 0, "started_at"),
        ({"calls": [{**PLAIN, "started_at": 1e300}]}, 0, "started_at"),
        ({"calls": [PLAIN, {**PLAIN, "key": "k"}]}, 1, "started_at"),
        ({"calls": [{**PLAIN, "tenant": "nobody"}]}, 0, "tenant"),
        ({"calls": [{**PLAIN, "status": 7}]}, 0, "status"),
        ({"calls": [PLAIN, {**WIRE, "url": "https://nobody.example/?key=sk-1"}]}, 1, "url"),
        ({"calls": [{**WIRE, "request": {"x": 1}, "url": "http://10.1.2.3/v1/chat/completions"}]}, 0, "request"),
        ({"calls": [{**WIRE, "request_base64": "e30="}]}, 0, None),
        ({"calls": [PLAIN, 7]}, 1, None),
        ({"calls": 7}, None, "calls"),
        ({"calls": [], "more": 1}, None, "calls"),
        ({"calls": [PLAIN] * (MAX_BATCH + 1)}, None, None),
        ([PLAIN], 0, None),
        ({}, 0, "provider"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_is_wrong_is_said_by_its_place_and_nothing_is_kept(
    web: httpx.AsyncClient, reader: JournalReader, sent: object, index: int | None, field: str | None
) -> None:
    answer = await web.post(PLACE, content=orjson.dumps(sent), headers={"Content-Type": JSON})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["index"], problem["field"]) == (422, index, field)
    assert "sk-1" not in answer.text
    assert journalled(reader) == []


@pytest.mark.parametrize(
    "sent",
    [b"", b"{", b"\xff", b"nul", b'{"calls":[{]}', b'{"url":"' + b"x" * 1000],
    ids=["empty", "open", "bytes", "word", "list", "cut"],
)
@pytest.mark.parametrize("kind", [JSON, NDJSON])
async def test_what_is_no_json_is_refused(web: httpx.AsyncClient, sent: bytes, kind: str) -> None:
    answer = await web.post(PLACE, content=sent, headers={"Content-Type": kind})
    assert answer.status_code == (202 if kind == NDJSON and not sent else 422)


async def test_nesting_that_nobody_writes_is_refused(web: httpx.AsyncClient) -> None:
    deep = b"[" * 800 + b"]" * 800
    for sent in (
        b'{"url":"%s","request":%s}' % (CHAT.encode(), deep),
        b'{"provider":"p","tools":[{"a":%s}]}' % deep,
        b'{"provider":"p","parameters":{"a":%s}}' % deep,
    ):
        answer = await web.post(PLACE, content=sent, headers={"Content-Type": JSON})
        assert answer.status_code in (202, 422)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_another_site_s_form_gets_nothing_in(web: httpx.AsyncClient, reader: JournalReader, kind: str) -> None:
    for place in (PLACE, "/api/v1/scan"):
        answer = await web.post(place, content=orjson.dumps(PLAIN), headers={"Content-Type": kind})
        assert answer.status_code in (415, 503)
    assert journalled(reader) == []


async def test_a_body_that_is_too_long_is_refused(web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_INGEST_BYTES", 1000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    headers = {"Content-Type": JSON}
    for content in (b" " * 2000, pieces()):
        assert (await web.post(PLACE, content=content, headers=headers)).status_code == 413


async def test_a_body_that_does_not_come_is_not_waited_for(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_PATIENCE_S", 0.05)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    assert (await web.post(PLACE, content=never(), headers={"Content-Type": JSON})).status_code == 408


async def test_a_full_journal_says_when_to_come_again(web: httpx.AsyncClient, reader: JournalReader) -> None:
    big = {"calls": [{**PLAIN, "output": "x" * 1000}] * 150}
    answers = [await web.post(PLACE, json=big) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 503, 503]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert len(reader.poll(1000)) == 150


async def test_a_batch_above_the_journal_s_size_is_the_sender_s_fault(web: httpx.AsyncClient) -> None:
    answer = await web.post(PLACE, json={**PLAIN, "output": "x" * 600_000})
    assert (answer.status_code, answer.json()["index"]) == (422, None)


async def test_without_an_intake_it_says_so(house: House) -> None:
    async with house.client() as client:
        assert (await client.post(PLACE, json=PLAIN)).status_code == 503


async def test_a_client_s_key_sends_calls_of_its_tenant_alone(taking: House, reader: JournalReader) -> None:
    taking.access = Keys()
    async with taking.client() as client:
        assert (await client.post(PLACE, json=PLAIN)).status_code == 401
        headers = shows("mw_client_ours")
        assert (await client.post(PLACE, json=PLAIN, headers=headers)).status_code == 202
        assert (await client.post(PLACE, json={**PLAIN, "tenant": "theirs"}, headers=headers)).status_code == 403
    (exchange,) = journalled(reader)
    assert (exchange.identity.tenant, exchange.identity.key_id) == ("ours", "client-ours")
    assert exchange.identity.learned_from == {"tenant": "rest", "key_id": "rest"}


async def test_the_schema_tells_what_is_expected(web: httpx.AsyncClient) -> None:
    schema = (await web.get("/api/v1/openapi.json")).json()
    for place, kinds in ((PLACE, {JSON, NDJSON}), ("/api/v1/scan", {JSON})):
        content = schema["paths"][place]["post"]["requestBody"]["content"]
        assert set(content) == kinds
        assert "$ref" not in str(content)
        for example in content[JSON]["examples"].values():
            assert example["value"]
    for name, example in schema["paths"][PLACE]["post"]["requestBody"]["content"][JSON]["examples"].items():
        assert (await web.post(PLACE, json=example["value"])).status_code == 202, name


_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=8).filter(str.isascii),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "x"]), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    base=st.sampled_from([PLAIN, WIRE]),
    field=st.sampled_from(sorted({*ToldPlain.model_fields, *ToldWire.model_fields})),
    value=_ANYTHING,
)
def test_whatever_is_sent_is_taken_or_refused(base: dict[str, Any], field: str, value: Any) -> None:
    sent = orjson.dumps({"calls": [{**base, field: value}]})
    try:
        (exchange,) = teller().exchanges(read_calls(sent, JSON), sender(), NOW)
    except (UnfitError, IntakeError):
        return
    assert FrameDecoder().decode(encode(exchange)).id == exchange.id


async def test_a_told_call_is_shown_as_any_other(house: House, web: httpx.AsyncClient, reader: JournalReader) -> None:
    messages = [{"role": "user", "content": "Where is my umbrella?"}]
    told = {**PLAIN, "messages": messages, "error": "client disconnected", "tools": ["weather"]}
    assert (await web.post(PLACE, json=told)).status_code == 202
    (exchange,) = journalled(reader)
    await house.traces.put([exchange])
    page = await web.get(f"/exchanges/{exchange.id}")
    assert page.status_code == 200
    assert "Where is my umbrella?" in page.text
    assert "client disconnected" in page.text

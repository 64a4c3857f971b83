"""An exchange as an entry of a HAR file: valid, and telling what the exchange tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import orjson
import pytest

from midwatch_core.har import OWN, har_entry, har_head
from midwatch_core.model.content import Response
from midwatch_core.model.exchange import Exchange, Transport
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.timing import Timing
from midwatch_core.testing.factories import make_exchange
from tests.core.har_schema import HAR

_STREAMED = Response(
    model="gpt-5",
    segments=(Segment(part=Part.ASSISTANT, path="/choices/0/message/content", text="Lisbon ☀", hash="h"),),
)
_EXCHANGES = {
    "whole": make_exchange(),
    "streamed": make_exchange(response=_STREAMED, streamed=True, transport=Transport.SSE),
    "socket": make_exchange(response=_STREAMED, streamed=True, transport=Transport.WEBSOCKET, status=101),
    "no-answer": make_exchange(response=None, status=None, error="connection refused", timing=Timing()),
    "no-bodies": make_exchange(request=replace(make_exchange().request, body=None, body_bytes=0), response=Response()),
}


def entry_of(exchange: Exchange) -> dict[str, Any]:
    entry: dict[str, Any] = orjson.loads(orjson.dumps(har_entry(exchange, {"id": exchange.id})))
    return entry


@pytest.mark.parametrize("name", sorted(_EXCHANGES))
def test_a_file_is_valid(name: str) -> None:
    jsonschema.validate({"log": {**har_head("1.0"), "entries": [entry_of(_EXCHANGES[name])]}}, HAR)


def test_the_schema_refuses_what_is_not_har() -> None:
    entry = {**entry_of(make_exchange()), "midwatch": 1}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"log": {**har_head("1.0"), "entries": [entry]}}, HAR)


def test_bodies_are_rebuilt_and_the_exchange_itself_stands_beside_them() -> None:
    exchange = make_exchange()
    entry = entry_of(exchange)
    assert orjson.loads(entry["request"]["postData"]["text"])["messages"][1] == {
        "role": "user",
        "content": "What is the capital of France?",
    }
    assert orjson.loads(entry["response"]["content"]["text"])["choices"][0]["message"]["content"] == "Paris."
    assert entry["request"]["url"] == "https://api.openai.com/v1/chat/completions"
    assert entry[OWN] == {"id": exchange.id}


def test_a_streamed_answer_is_the_whole_one_it_amounts_to() -> None:
    content = entry_of(_EXCHANGES["streamed"])["response"]["content"]
    assert orjson.loads(content["text"]) == {"model": "gpt-5", "choices": [{"message": {"content": "Lisbon ☀"}}]}
    assert content["size"] == len(content["text"].encode())


def test_waiting_and_receiving_are_the_whole_time() -> None:
    entry = entry_of(make_exchange(timing=Timing(ttft_ms=210.5, duration_ms=640.25)))
    assert entry["timings"] == {"send": 0, "wait": 210.5, "receive": 429.75}
    assert entry["time"] == 640.25


def test_a_port_of_its_own_and_a_strange_path_stand_in_the_url() -> None:
    exchange = make_exchange()
    endpoint = replace(exchange.endpoint, host="::1", port=8080, scheme="http", path="/v1/a b")
    assert entry_of(replace(exchange, endpoint=endpoint))["request"]["url"] == "http://[::1]:8080/v1/a%20b"

"""Real calls, as recorded: the exchange detectors say nothing about them."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from midwatch_core import Endpoint, Exchange, Identity
from midwatch_core.testing.factories import BEGINNING
from midwatch_core.wire.catalogue import Catalogue, CatalogueSpec
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target
from midwatch_rules import resources
from midwatch_rules_engine.bounds import Bounds
from midwatch_rules_engine.exchanges import Exchanges
from tests.core.wire.recordings import Message, Recording, recorded

DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
KINDS = (
    *("openai-chat", "openai-chat-sse", "openai-responses", "openai-responses-sse", "azure-openai"),
    *("anthropic", "anthropic-sse", "gemini", "gemini-sse", "vertex", "mistral", "groq-sse", "deepseek"),
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    (shipped,) = [item for item in resources() if item.name == "providers"]
    spec = CatalogueSpec.model_validate(yaml.safe_load(shipped.path.read_bytes()))
    return Catalogue([spec], dialects=DIALECTS)


def encoding(message: Message) -> str:
    return "gzip" if message.body.startswith(b"\x1f\x8b") else ""


def exchange_of(recording: Recording, catalogue: Catalogue) -> tuple[Exchange, Any] | None:
    """The call as a request alone, and its response."""
    url = urlsplit(recording.uri)
    match = catalogue.match(url.hostname or "", url.port or 443, "POST", url.path)
    if match is None:
        return None
    dialect = DIALECTS[match.dialect]
    target = Target(host=url.hostname or "", path=url.path, captures=match.captures)
    request = decode_request(dialect, recording.request.body, target, encoding(recording.request)).request
    decoder = ResponseDecoder(
        dialect,
        status=recording.status,
        content_type=recording.response.headers.get("content-type", ""),
        content_encoding=encoding(recording.response),
        asked_to_stream=request.stream,
    )
    decoder.feed(recording.response.body)
    exchange = Exchange(
        id="019b0000-0000-7000-8000-000000000001",
        trace_id="trace",
        started_at=BEGINNING,
        identity=Identity(app=recording.name, user_agent="OpenAI/Python 1.0"),
        endpoint=Endpoint(provider=match.provider, dialect=match.dialect, host=target.host, port=443, path=target.path),
        request=request,
    )
    return exchange, decoder.finish().response


@pytest.mark.parametrize("recording", recorded(*KINDS))
def test_recorded_calls_are_no_finding(recording: Recording, catalogue: Catalogue) -> None:
    decoded = exchange_of(recording, catalogue)
    if decoded is None:
        pytest.skip("a call to a host that the catalogue does not list")
    exchange, response = decoded
    detectors = Exchanges(Bounds())
    assert exchange.request.segments
    assert detectors.inspect(exchange) == []
    assert detectors.inspect(replace(exchange, response=response)) == []


def test_recorded_calls_of_one_program_change_no_tool(catalogue: Catalogue) -> None:
    calls = [exchange_of(item.values[0], catalogue) for item in recorded(*KINDS) if item.values[0] is not None]
    if not calls:
        pytest.skip("recorded data absent: set MIDWATCH_DATA")
    detectors = Exchanges(Bounds())
    found = [item.rule for decoded in calls if decoded for item in detectors.inspect(decoded[0])]
    assert found == []

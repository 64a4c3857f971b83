"""A call as a curl command: what a shell makes of it is what was asked, and no key is in it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest

from midwatch_core.curl import curl_command
from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Endpoint, Exchange, Transport
from midwatch_core.rebuilding import request_body
from midwatch_core.testing.factories import make_exchange

# In place of curl: each word that it would be given, with a NUL after it.
_WORDS = "curl() { printf '%s\\0' \"$@\"; }\n"


def words(exchange: Exchange, **keys: str) -> list[str]:
    """What a POSIX shell makes of the command."""
    script = _WORDS + curl_command(exchange)
    ran = subprocess.run(["/bin/sh", "-eu"], input=script.encode(), capture_output=True, check=True, env=keys)
    return ran.stdout.decode().split("\0")[:-1]


def endpoint(provider: str, dialect: str, **changes: object) -> Endpoint:
    made = Endpoint(provider=provider, dialect=dialect, host="api.example.com", port=443, path="/v1/chat")
    return replace(made, **changes)  # type: ignore[arg-type]  # a test's own changes


@pytest.mark.parametrize(
    "text",
    [
        "it's 'quoted'",
        "$(touch x) `id` ${HOME} \\",
        "@/etc/passwd",
        "a\nb\r\n\ttab",
        "-o /tmp/x",
        "history !! ☀",
        "\x00",
    ],
)
def test_a_shell_reads_the_body_back_as_it_was(text: str) -> None:
    exchange = make_exchange(messages=(("user", text),))
    said = words(exchange, OPENAI_API_KEY="k")
    assert json.loads(said[said.index("--data-raw") + 1]) == request_body(exchange)
    assert text in json.dumps(request_body(exchange), ensure_ascii=False) or json.dumps(text)[1:-1] in json.dumps(
        request_body(exchange)
    )


@pytest.mark.parametrize(
    ("where", "key", "header"),
    [
        (endpoint("openai", "openai.chat"), "OPENAI_API_KEY", "authorization: Bearer k-1"),
        (endpoint("x_ai'$(id)", "openai.chat"), "X_AI_ID_API_KEY", "authorization: Bearer k-1"),
        (endpoint("4all", "openai.chat"), "PROVIDER4ALL_API_KEY", "authorization: Bearer k-1"),
        (endpoint("anthropic", "anthropic.messages"), "ANTHROPIC_API_KEY", "x-api-key: k-1"),
        (
            endpoint("anthropic", "anthropic.messages", subscription=True),
            "ANTHROPIC_API_KEY",
            "authorization: Bearer k-1",
        ),
        (endpoint("gcp.gemini", "gemini.generate_content"), "GEMINI_API_KEY", "x-goog-api-key: k-1"),
        (endpoint("azure.ai.openai", "openai.chat"), "AZURE_OPENAI_API_KEY", "api-key: k-1"),
    ],
    ids=["openai", "odd-name", "digit-first", "anthropic", "subscription", "gemini", "azure"],
)
def test_the_key_is_a_variable_where_the_provider_wants_it(where: Endpoint, key: str, header: str) -> None:
    said = words(replace(make_exchange(), endpoint=where), **{key: "k-1"})
    assert said[0] == "https://api.example.com/v1/chat"
    assert header in said


def test_bedrock_is_signed_for_by_curl() -> None:
    keys = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    said = words(replace(make_exchange(), endpoint=endpoint("aws.bedrock", "bedrock.converse")), **keys)
    assert said[said.index("--aws-sigv4") + 1] == "aws:amz:eu-west-1:bedrock"
    assert said[said.index("--user") + 1] == "a:b"


@pytest.mark.parametrize("path", ["/v1/'; touch x; '", "/v1/{a}[1-9]", "/v1/ä b"])
def test_an_address_is_one_word_that_curl_takes_as_it_is(path: str) -> None:
    said = words(replace(make_exchange(), endpoint=endpoint("openai", "openai.chat", path=path)), OPENAI_API_KEY="k")
    assert said[0].startswith("https://api.example.com/v1/")
    assert not set(said[0]) & set("{}[] ")


def test_a_call_without_a_body_asks_for_it_only() -> None:
    exchange = make_exchange()
    said = words(replace(exchange, request=replace(exchange.request, body=None)), OPENAI_API_KEY="k")
    assert "--data-raw" not in said


def test_a_streamed_answer_is_shown_as_it_comes() -> None:
    assert "--no-buffer" in words(make_exchange(streamed=True), OPENAI_API_KEY="k")
    assert "--no-buffer" not in words(make_exchange(streamed=False), OPENAI_API_KEY="k")


def test_a_socket_s_call_is_no_command() -> None:
    assert words(make_exchange(transport=Transport.WEBSOCKET)) == []


@pytest.mark.parametrize("odd", [2**80, "half \ud800", {"a": [2**70]}])
def test_what_json_can_hardly_hold_is_there_all_the_same(odd: Json) -> None:
    exchange = make_exchange()
    request = replace(exchange.request, body={"seed": odd}, segments=())
    said = words(replace(exchange, request=request), OPENAI_API_KEY="k")
    assert json.loads(said[-1]) == {"seed": odd}

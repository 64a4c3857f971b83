"""Real client libraries through the real proxy: what they get, and what is kept of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors
from google.genai import types

QUESTION = [{"role": "user", "content": "Which colour has the morning?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "Weather now", "parameters": SCHEMA}


@pytest.fixture(scope="module")
def openai_client(house: Any) -> Iterator[Any]:
    web = openai.DefaultHttpxClient(proxy=house.proxy, verify=house.trust(), timeout=60)
    with openai.OpenAI(api_key="sk-e2e", http_client=web, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic_client(house: Any) -> Iterator[Any]:
    web = anthropic.DefaultHttpxClient(proxy=house.proxy, verify=house.trust(), timeout=60)
    with anthropic.Anthropic(api_key="sk-ant-e2e", http_client=web, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def gemini_client(house: Any) -> Any:
    web = {"proxy": house.proxy, "verify": house.trust(), "trust_env": False}
    return genai.Client(api_key="AIza-e2e", http_options=types.HttpOptions(client_args=web))


def check(row: dict[str, Any], **expected: Any) -> None:
    """The columns that every row of a call that went well has, and those of this one."""
    assert {key: row[key] for key in expected} == expected
    assert row["status"] == 200
    assert row["input_tokens"] > 0
    assert row["ttft_ms"] is not None
    assert row["duration_ms"] >= row["ttft_ms"]
    assert row["cost_usd"] > 0, row["cost_reason"]
    assert row["error"] is None
    assert row["decode_error"] is None
    assert row["client"] == "127.0.0.1"
    assert row["tenant"] == "default"


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_chat(house: Any, openai_client: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    more = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
    answer = openai_client.chat.completions.create(
        model="gpt-4o-mini", messages=QUESTION, extra_headers=way.header, **more
    )
    usage = [chunk.usage for chunk in answer if chunk.usage][-1] if streamed else answer.usage
    row = house.row(way.id)
    check(row, provider="openai", dialect="openai.chat", model="gpt-4o-mini", streamed=streamed, finish_reason="stop")
    assert row["host"] == "api.openai.com"
    assert row["app"] == "OpenAI/Python"
    assert (row["input_tokens"], row["output_tokens"]) == (usage.prompt_tokens, usage.completion_tokens)


def test_a_stream_without_usage_has_no_invented_cost(house: Any, openai_client: Any, trail: Any) -> None:
    way = trail()
    chunks = list(
        openai_client.chat.completions.create(
            model="gpt-4o-mini", messages=QUESTION, stream=True, extra_headers=way.header
        )
    )
    assert all(chunk.usage is None for chunk in chunks)
    row = house.row(way.id)
    assert (row["status"], row["finish_reason"], row["cost_usd"]) == (200, "stop", None)
    assert row["cost_reason"]


def test_openai_chat_with_a_tool(house: Any, openai_client: Any, trail: Any) -> None:
    way = trail()
    stream = openai_client.chat.completions.create(
        model="gpt-4.1",
        messages=[{"role": "user", "content": "Weather in Lisbon? Please use the tool."}],
        tools=[{"type": "function", "function": FUNCTION}],
        stream=True,
        stream_options={"include_usage": True},
        extra_headers=way.header,
    )
    arguments = "".join(
        call.function.arguments or ""
        for chunk in stream
        for choice in chunk.choices
        for call in choice.delta.tool_calls or []
    )
    row = house.row(way.id)
    check(row, provider="openai", finish_reason="tool_calls", tools_called=["get_weather"], streamed=True)
    (called,) = house.whole(way.id)["response"]["tool_calls"]
    assert json.loads(arguments)
    assert called["name"] == "get_weather"


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_responses(house: Any, openai_client: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    answer = openai_client.responses.create(
        model="gpt-5-mini", input="Which colour has the night?", stream=streamed, extra_headers=way.header
    )
    final = [event for event in answer if event.type == "response.completed"][-1].response if streamed else answer
    row = house.row(way.id)
    check(row, provider="openai", dialect="openai.responses", streamed=streamed, finish_reason="stop")
    assert row["output_tokens"] == final.usage.output_tokens
    assert row["reasoning_tokens"] == final.usage.output_tokens_details.reasoning_tokens


def test_openai_embeddings_and_completions(house: Any, openai_client: Any, trail: Any) -> None:
    one, two = trail(), trail()
    openai_client.embeddings.create(model="text-embedding-3-small", input=["night"], extra_headers=one.header)
    openai_client.completions.create(model="gpt-3.5-turbo-instruct", prompt="night", extra_headers=two.header)
    check(house.row(one.id), dialect="openai.embeddings", operation="embeddings", streamed=False)
    check(house.row(two.id), dialect="openai.completions", streamed=False)


def test_anthropic(house: Any, anthropic_client: Any, trail: Any) -> None:
    way = trail()
    answer = anthropic_client.messages.create(
        model="claude-sonnet-5", max_tokens=200, messages=QUESTION, system="Be brief.", extra_headers=way.header
    )
    row = house.row(way.id)
    check(row, provider="anthropic", dialect="anthropic.messages", finish_reason="stop", app="Anthropic/Python")
    assert row["output_tokens"] == answer.usage.output_tokens
    parts = {segment["part"] for segment in house.whole(way.id)["request"]["segments"]}
    assert {"system", "user"} <= parts


def test_anthropic_thinking_and_a_tool_streamed(house: Any, anthropic_client: Any, trail: Any) -> None:
    way = trail()
    with anthropic_client.messages.stream(
        model="claude-sonnet-5",
        max_tokens=3000,
        thinking={"type": "enabled", "budget_tokens": 1024},
        tools=[{"name": "get_weather", "description": "Weather now", "input_schema": SCHEMA}],
        messages=[{"role": "user", "content": "Weather in Lisbon? Please use the tool."}],
        extra_headers=way.header,
    ) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "tool_use"
    row = house.row(way.id)
    check(row, streamed=True, transport="sse", finish_reason="tool_calls", tools_called=["get_weather"])
    thought = next(block.thinking for block in final.content if block.type == "thinking")
    kept = [s["text"] for s in house.whole(way.id)["response"]["segments"] if s["part"] == "reasoning"]
    assert kept == [thought]


@pytest.mark.parametrize("streamed", [False, True])
def test_gemini(house: Any, gemini_client: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    config = types.GenerateContentConfig(http_options=types.HttpOptions(headers=way.header))
    models = gemini_client.models
    ask = models.generate_content_stream if streamed else models.generate_content
    answer = ask(model="gemini-2.5-flash", contents="Which colour has the dawn?", config=config)
    text = "".join(chunk.text or "" for chunk in answer) if streamed else answer.text
    row = house.row(way.id)
    check(row, provider="gcp.gemini", dialect="gemini.generate_content", streamed=streamed, finish_reason="stop")
    assert row["model"] == "gemini-2.5-flash"
    kept = [s["text"] for s in house.whole(way.id)["response"]["segments"] if s["part"] == "assistant"]
    assert "".join(kept) == text


def test_claude_on_vertex(house: Any, trail: Any) -> None:
    way = trail()
    web = anthropic.DefaultHttpxClient(proxy=house.proxy, verify=house.trust(), timeout=60)
    client: Any = anthropic.AnthropicVertex(project_id="p", region="us-central1", access_token="t", http_client=web)
    model = "claude-sonnet-4-5@20250929"
    with client.messages.stream(model=model, max_tokens=99, messages=QUESTION, extra_headers=way.header) as stream:
        text = stream.get_final_text()
    row = house.row(way.id)
    check(row, provider="gcp.vertex_ai", dialect="anthropic.messages", model=model, streamed=True, finish_reason="stop")
    (kept,) = (s["text"] for s in house.whole(way.id)["response"]["segments"])
    assert kept == text


def test_what_a_login_pays_for_is_marked(house: Any, anthropic_client: Any, trail: Any) -> None:
    google, claude, key = trail(), trail(), trail()
    asked = {"contents": [{"role": "user", "parts": [{"text": "Which colour has the dusk?"}]}], "session_id": "s-1"}
    with house.client() as web:
        url = "https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent?alt=sse"
        web.post(url, json={"model": "gemini-2.5-pro", "request": asked}, headers=google.header).raise_for_status()
    body: Any = {"model": "claude-sonnet-5", "max_tokens": 99, "messages": QUESTION}
    anthropic_client.with_options(api_key=None, auth_token="sk-ant-oat01-e2e").messages.create(
        **body, extra_headers=claude.header
    )
    anthropic_client.messages.create(**body, extra_headers=key.header)
    row = house.row(google.id)
    check(row, provider="gcp.code_assist", dialect="gemini.code_assist", cost_basis="api_equivalent", streamed=True)
    assert house.whole(google.id)["request"]["conversation_id"] == "s-1"
    check(house.row(claude.id), cost_basis="api_equivalent")
    check(house.row(key.id), cost_basis="metered")
    assert "sk-ant-oat" not in json.dumps(house.whole(claude.id))


@pytest.mark.parametrize("streamed", [False, True])
def test_cohere(house: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    body = {"model": "command-r7b-12-2024", "messages": QUESTION, "stream": streamed}
    with house.client() as web:
        web.post("https://api.cohere.com/v2/chat", json=body, headers=way.header).raise_for_status()
    row = house.row(way.id)
    check(row, provider="cohere", dialect="cohere.chat", streamed=streamed, finish_reason="stop", cost_basis="metered")


def test_a_plain_client_to_a_provider_of_ones_own(house: Any, trail: Any) -> None:
    way = trail()
    with house.client() as web:
        url = "https://llm.acme.example/v1/chat/completions"
        body = {"model": "acme-1", "messages": QUESTION}
        answer = web.post(url, json=body, headers={**way.header, "user-agent": "nightshift/2.1 (test)"})
    assert answer.status_code == 404  # the origin has no such route here: an error is kept as one
    row = house.row(way.id)
    assert (row["provider"], row["status"], row["app"], row["model"]) == ("acme", 404, "nightshift", "acme-1")


OPENAI_ERRORS: list[tuple[int, type[Exception]]] = [
    (401, openai.AuthenticationError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
]
ANTHROPIC_ERRORS: list[tuple[int, type[Exception]]] = [
    (401, anthropic.AuthenticationError),
    (429, anthropic.RateLimitError),
    (500, anthropic.InternalServerError),
]


@pytest.mark.parametrize(("status", "error"), OPENAI_ERRORS)
def test_openai_errors(house: Any, openai_client: Any, trail: Any, status: int, error: type[Exception]) -> None:
    way = trail()
    with pytest.raises(error) as raised:
        openai_client.chat.completions.create(
            model="gpt-4o-mini", messages=QUESTION, extra_headers={**way.header, "x-sim": f"status={status}"}
        )
    _check_error(house.row(way.id), status, str(raised.value))


@pytest.mark.parametrize(("status", "error"), ANTHROPIC_ERRORS)
def test_anthropic_errors(house: Any, anthropic_client: Any, trail: Any, status: int, error: type[Exception]) -> None:
    way = trail()
    with pytest.raises(error) as raised:
        anthropic_client.messages.create(
            model="claude-sonnet-5",
            max_tokens=100,
            messages=QUESTION,
            extra_headers={**way.header, "x-sim": f"status={status}"},
        )
    _check_error(house.row(way.id), status, str(raised.value))


@pytest.mark.parametrize("status", [401, 429, 500])
def test_gemini_errors(house: Any, gemini_client: Any, trail: Any, status: int) -> None:
    way = trail()
    headers = {**way.header, "x-sim": f"status={status}"}
    options = types.HttpOptions(headers=headers, retry_options=types.HttpRetryOptions(attempts=1))
    with pytest.raises(genai_errors.APIError) as raised:
        gemini_client.models.generate_content(
            model="gemini-2.5-flash", contents="x", config=types.GenerateContentConfig(http_options=options)
        )
    assert raised.value.code == status
    _check_error(house.row(way.id), status, str(raised.value))


def _check_error(row: dict[str, Any], status: int, message: str) -> None:
    assert row["status"] == status
    assert row["error"]
    assert row["error"] in message
    assert row["finish_reason"] in (None, "error")
    assert row["decode_error"] is None


def test_an_error_within_a_stream(house: Any, openai_client: Any, trail: Any) -> None:
    way = trail()
    with pytest.raises(openai.APIError) as raised:
        list(
            openai_client.chat.completions.create(
                model="gpt-4o-mini",
                messages=QUESTION,
                stream=True,
                extra_headers={**way.header, "x-sim": "fail_after=3"},
            )
        )
    row = house.row(way.id)
    assert (row["status"], row["streamed"]) == (200, True)
    assert row["error"]
    assert row["error"] in str(raised.value)


def test_traces_prints_the_same_rows(house: Any, openai_client: Any, trail: Any) -> None:
    way = trail()
    openai_client.chat.completions.create(model="gpt-4o", messages=QUESTION, extra_headers=way.header)
    (printed,) = (row for row in house.traces() if row["trace_id"] == way.id)
    assert printed == house.row(way.id)
    done = house.run("traces", "--model", "gpt-4o", "--limit", "1")
    assert "gpt-4o" in done.stdout
    shown = house.run("traces", "show", printed["id"], "--home", str(house.home.root))
    assert QUESTION[0]["content"] in shown.stdout


def test_costs_are_the_sum_of_the_rows(house: Any) -> None:
    done = house.run("costs", "--json", "--by", "provider")
    by_provider = {row["provider"]: row for row in map(json.loads, done.stdout.splitlines())}
    rows = house.rows(provider="gcp.gemini")
    assert by_provider["gcp.gemini"]["calls"] == len(rows)
    assert by_provider["gcp.gemini"]["cost_usd"] == pytest.approx(sum(row["cost_usd"] or 0 for row in rows))


def test_the_console_shows_them(house: Any, waiting: Callable[..., Any]) -> None:
    import httpx

    with httpx.Client(base_url=house.console, trust_env=False, timeout=30) as web:
        assert "gpt-4o-mini" in web.get("/calls").text
        assert web.get("/healthz").status_code == 200
        assert web.get("/readyz").status_code == 200
        assert web.get("/startupz").status_code == 200
        waiting(lambda: "midwatch_calls_total{" in web.get("/metrics").text, "the worker's counters")

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import pytest

from midwatch.simulated import SimulatedProviders

MODEL = "claude-sonnet-5"
TOOL: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
async def client(sim: SimulatedProviders) -> AsyncIterator[anthropic.AsyncAnthropic]:
    url = f"http://127.0.0.1:{sim.http_port}"
    async with anthropic.AsyncAnthropic(api_key="sk-ant-x", base_url=url, max_retries=0) as made:
        yield made


def asks(content: Any) -> Any:
    return [{"role": "user", "content": content}]


async def test_message_whole(client: anthropic.AsyncAnthropic) -> None:
    done = await client.messages.create(model=MODEL, max_tokens=500, messages=asks("Tell me about tides"))
    assert done.model == MODEL
    assert done.stop_reason == "end_turn"
    assert done.content[0].type == "text"
    assert "tides" in done.content[0].text
    assert done.usage.cache_read_input_tokens == 0
    assert done._request_id is not None


async def test_thinking_streams_before_text_and_is_signed(client: anthropic.AsyncAnthropic) -> None:
    async with client.messages.stream(
        model=MODEL,
        max_tokens=5000,
        thinking={"type": "enabled", "budget_tokens": 1024},
        messages=asks("Tell me about tides"),
    ) as stream:
        done = await stream.get_final_message()
    thinking, text = done.content
    assert thinking.type == "thinking"
    assert thinking.signature
    assert text.type == "text"
    assert done.usage.output_tokens > 0


async def test_event_order_with_ping(web: httpx.AsyncClient) -> None:
    body = {"model": MODEL, "max_tokens": 50, "stream": True, "messages": asks("tides")}
    answer = await web.post("/v1/messages", json=body)
    names = [line[7:] for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names[:4] == ["message_start", "content_block_start", "ping", "content_block_delta"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]


async def test_tool_use_in_pieces(client: anthropic.AsyncAnthropic) -> None:
    async with client.messages.stream(
        model=MODEL, max_tokens=500, tools=[TOOL], messages=asks("Please use the tool for Lisbon")
    ) as stream:
        events = [event async for event in stream]
        done = await stream.get_final_message()
    assert done.stop_reason == "tool_use"
    assert [block.type for block in done.content] == ["text", "tool_use"]
    assert done.content[1].type == "tool_use"
    assert done.content[1].input == {"city": "tool and Lisbon"}
    assert sum(event.type == "input_json" for event in events) > 1

    result = {"type": "tool_result", "tool_use_id": done.content[1].id, "content": "use the tool? sunny"}
    history = [*asks("use the tool"), {"role": "assistant", "content": done.content}, *asks([result])]
    after = await client.messages.create(model=MODEL, max_tokens=500, tools=[TOOL], messages=history)
    assert after.stop_reason == "end_turn"


async def test_a_tool_is_called_by_its_name_whatever_is_told_after_the_question(web: httpx.AsyncClient) -> None:
    """Claude Code offers many tools, and tells of its surroundings in a system message behind the user's."""
    bash = {"name": "Bash", "input_schema": {"type": "object"}}
    told = [*asks('use the tool Bash with {"command": "ls"}'), {"role": "system", "content": "# Environment"}]
    body = {"model": MODEL, "max_tokens": 500, "tools": [TOOL, bash], "messages": told}
    done = (await web.post("/v1/messages", json=body)).json()
    assert [(b["name"], b["input"]) for b in done["content"] if b["type"] == "tool_use"] == [
        ("Bash", {"command": "ls"})
    ]
    without = (await web.post("/v1/messages", json=body | {"tools": [TOOL]})).json()
    assert without["stop_reason"] == "end_turn"


async def test_cache_writes_by_lifetime_and_reads_are_beside_the_input(client: anthropic.AsyncAnthropic) -> None:
    system: Any = [
        {"type": "text", "text": "s" * 4000, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": "t" * 2000, "cache_control": {"type": "ephemeral"}},
    ]
    ask: Any = {"model": MODEL, "max_tokens": 500, "system": system, "messages": asks("tides")}
    first = (await client.messages.create(**ask)).usage
    assert first.cache_creation is not None
    written = (first.cache_creation.ephemeral_1h_input_tokens, first.cache_creation.ephemeral_5m_input_tokens)
    assert sum(written) == first.cache_creation_input_tokens
    assert written[0] > written[1] > 0

    second = (await client.messages.create(**ask, extra_headers={"x-sim": "cached=1000"})).usage
    assert second.cache_read_input_tokens == 1000
    assert second.cache_creation_input_tokens == first.cache_creation_input_tokens - 1000
    assert second.input_tokens == first.input_tokens


async def test_max_tokens_and_count(client: anthropic.AsyncAnthropic) -> None:
    done = await client.messages.create(model=MODEL, max_tokens=3, messages=asks("tides"))
    assert done.stop_reason == "max_tokens"
    assert done.usage.output_tokens == 3
    counted = await client.messages.count_tokens(model=MODEL, messages=asks("tides"))
    assert counted.input_tokens == done.usage.input_tokens


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (404, anthropic.NotFoundError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.APIStatusError),
    ],
)
async def test_errors_are_the_sdks_typed_ones(
    client: anthropic.AsyncAnthropic, status: int, error: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(error) as raised:
        await client.messages.create(
            model=MODEL, max_tokens=5, messages=asks("x"), extra_headers={"x-sim": f"status={status}"}
        )
    body: Any = raised.value.body
    assert body["type"] == "error"
    assert body["error"]["message"]
    assert raised.value.status_code == status


async def test_overloaded_in_the_middle_of_a_stream(client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        async with client.messages.stream(
            model=MODEL, max_tokens=50, messages=asks("x"), extra_headers={"x-sim": "fail_after=5"}
        ) as stream:
            await stream.get_final_message()

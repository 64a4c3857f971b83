import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from midwatch.simulated import SimulatedProviders

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["c", "f"]}},
        },
    },
}


@pytest.fixture
async def client(sim: SimulatedProviders) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"http://127.0.0.1:{sim.http_port}/v1"
    headers = {"Host": "api.openai.com"}
    async with openai.AsyncOpenAI(api_key="sk-x", base_url=url, max_retries=0, default_headers=headers) as made:
        yield made


def asks(text: str) -> Any:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


async def test_chat_repeats_the_users_words_and_counts_add_up(client: openai.AsyncOpenAI) -> None:
    done = await client.chat.completions.create(model="gpt-4o-mini", messages=asks("Tell me about harbour seals"))
    assert done.model == "gpt-4o-mini-2024-07-18"
    assert done.id.startswith("chatcmpl-")
    assert "harbour and seals" in (done.choices[0].message.content or "")
    assert done.choices[0].finish_reason == "stop"
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens


async def test_chat_over_tls_with_the_sdks_own_client(sim: SimulatedProviders) -> None:
    context = ssl.create_default_context(cafile=str(sim.ca_file))
    http = openai.DefaultAsyncHttpxClient(verify=context, timeout=60)
    url = f"https://127.0.0.1:{sim.tls_port}/v1"
    async with openai.AsyncOpenAI(api_key="sk-x", base_url=url, http_client=http) as client:
        done = await client.chat.completions.create(model="gpt-4o", messages=asks("Tell me about tides"))
    assert done.model == "gpt-4o-2024-08-06"
    assert sim.received[-1].header("authorization") == "Bearer sk-x"


async def test_stream_has_usage_only_when_asked(client: openai.AsyncOpenAI) -> None:
    plain = await client.chat.completions.create(model="gpt-4o", messages=asks("About tides"), stream=True)
    chunks = [chunk async for chunk in plain]
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"

    asked = await client.chat.completions.create(
        model="gpt-4o", messages=asks("About tides"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in asked]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == sum(1 for c in chunks if c.choices and c.choices[0].delta.content)


async def test_streamed_and_whole_text_are_the_same(client: openai.AsyncOpenAI) -> None:
    messages = asks("repeat after me: Grüße, Zoë — 12 × 12 = 144 \u2028 ok")
    whole = await client.chat.completions.create(model="gpt-4o", messages=messages)
    stream = await client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == whole.choices[0].message.content == "Grüße, Zoë — 12 × 12 = 144 \u2028 ok"


async def test_tool_calls_whole_and_in_pieces(client: openai.AsyncOpenAI) -> None:
    messages = asks("Please use the tools for Lisbon")
    whole = await client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TOOL])
    assert whole.choices[0].finish_reason == "tool_calls"
    calls = whole.choices[0].message.tool_calls or []
    assert len(calls) == 2
    assert len({call.id for call in calls}) == 2

    stream = client.chat.completions.stream(model="gpt-4o", messages=messages, tools=[TOOL])
    async with stream as events:
        final = await events.get_final_completion()
    streamed: Any = final.choices[0].message.tool_calls
    assert [json.loads(c.function.arguments) for c in streamed] == [
        {"city": "tools and Lisbon", "days": 3, "unit": "c"}
    ] * 2


async def test_a_tools_result_is_answered_in_words(client: openai.AsyncOpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        *asks("Please use the tool"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    done = await client.chat.completions.create(model="gpt-4o", messages=messages, tools=[TOOL])
    assert done.choices[0].finish_reason == "stop"
    assert done.choices[0].message.content


async def test_max_tokens_cuts_and_says_so(client: openai.AsyncOpenAI) -> None:
    done = await client.chat.completions.create(model="gpt-4o", messages=asks("About tides"), max_tokens=5)
    assert done.choices[0].finish_reason == "length"
    assert done.usage is not None
    assert done.usage.completion_tokens == 5


async def test_hidden_reasoning_is_part_of_the_output_count(client: openai.AsyncOpenAI) -> None:
    done = await client.chat.completions.create(
        model="o4-mini", messages=asks("About tides"), extra_headers={"x-sim": "reasoning=64,tokens=10,cached=4"}
    )
    assert done.usage is not None
    assert done.usage.completion_tokens == 74
    assert done.usage.completion_tokens_details is not None
    assert done.usage.completion_tokens_details.reasoning_tokens == 64
    assert done.usage.prompt_tokens_details is not None
    assert done.usage.prompt_tokens_details.cached_tokens == 4
    assert "reasoning_content" not in done.choices[0].message.model_dump()


async def test_structured_output_fits_its_schema(client: openai.AsyncOpenAI) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "ages": {"type": "array"}}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    done = await client.chat.completions.create(model="gpt-4o", messages=asks("About tides"), response_format=form)
    assert set(json.loads(done.choices[0].message.content or "")) == {"name", "ages"}


async def test_several_choices(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="gpt-4o", messages=asks("About tides"), n=2, stream=True)
    finished = [c.choices[0].index async for c in stream if c.choices and c.choices[0].finish_reason]
    assert finished == [0, 1]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_errors_are_the_sdks_typed_ones(
    client: openai.AsyncOpenAI, status: int, error: type[openai.APIStatusError], stream: bool
) -> None:
    with pytest.raises(error) as raised:
        await client.chat.completions.create(
            model="gpt-4o", messages=asks("x"), stream=stream, extra_headers={"x-sim": f"status={status},retry_after=7"}
        )
    assert raised.value.body is not None
    assert raised.value.request_id is not None
    assert raised.value.response.headers.get("retry-after") == ("7" if status == 429 else None)


async def test_an_error_in_the_middle_of_a_stream(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="gpt-4o", messages=asks("x"), stream=True, extra_headers={"x-sim": "fail_after=3"}
    )
    first = [await anext(stream) for _ in range(3)]
    assert [chunk.object for chunk in first] == ["chat.completion.chunk"] * 3
    with pytest.raises(openai.APIError, match="had an error"):
        await anext(stream)


async def test_completions_and_embeddings(client: openai.AsyncOpenAI) -> None:
    done = await client.completions.create(model="gpt-3.5-turbo-instruct", prompt="About tides", max_tokens=100)
    assert "tides" in done.choices[0].text
    stream = await client.completions.create(model="gpt-3.5-turbo-instruct", prompt="About tides", stream=True)
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices[0].finish_reason == "length"

    first = await client.embeddings.create(model="text-embedding-3-small", input=["tides", "seals"])
    again = await client.embeddings.create(model="text-embedding-3-small", input="tides", encoding_format="float")
    assert len(first.data) == 2
    assert first.data[0].embedding == pytest.approx(again.data[0].embedding, abs=1e-6)
    assert first.usage.total_tokens > 0


async def test_responses_whole(client: openai.AsyncOpenAI) -> None:
    done = await client.responses.create(model="gpt-5", input="Tell me about tides", reasoning={"summary": "auto"})
    assert done.status == "completed"
    assert done.model == "gpt-5-2025-08-07"
    assert "tides" in done.output_text
    assert [item.type for item in done.output] == ["reasoning", "message"]
    assert done.usage is not None
    assert done.usage.output_tokens_details.reasoning_tokens > 0
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens


async def test_responses_stream_is_numbered_and_ends_with_the_whole(client: openai.AsyncOpenAI) -> None:
    stream = await client.responses.create(
        model="gpt-5", input="Tell me about tides", reasoning={"summary": "auto"}, stream=True
    )
    events: list[Any] = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.completed",
    ]
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].response.output_text == text


async def test_responses_tool_call_in_pieces_and_its_answer(client: openai.AsyncOpenAI) -> None:
    tool: Any = {"type": "function", **TOOL["function"]}
    stream = await client.responses.create(model="gpt-4o", input="use the tool: Lisbon", tools=[tool], stream=True)
    events: list[Any] = [event async for event in stream]
    pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    call = events[-1].response.output[0]
    assert len(pieces) > 1
    assert "".join(pieces) == call.arguments
    history: Any = [
        {"role": "user", "content": "use the tool"},
        call.to_dict(),
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
    ]
    done = await client.responses.create(model="gpt-4o", input=history, tools=[tool])
    assert done.output_text


async def test_codex_is_told_of_its_account_and_models_before_it_asks(web: httpx.AsyncClient) -> None:
    headers = {"chatgpt-account-id": "account-1", "host": "chatgpt.com"}
    checked = (await web.get("/backend-api/wham/accounts/check", headers=headers)).json()
    assert [(item["id"], item["workspace_backend_origin"]) for item in checked["accounts"]] == [
        ("account-1", "https://chatgpt.com")
    ]
    assert (await web.get("/backend-api/codex/models", headers=headers)).json() == {"models": []}


async def test_responses_incomplete_and_failed(client: openai.AsyncOpenAI) -> None:
    done = await client.responses.create(model="gpt-4o", input="About tides", max_output_tokens=16)
    assert done.status == "incomplete"
    assert done.incomplete_details is not None
    assert done.incomplete_details.reason == "max_output_tokens"
    stream = await client.responses.create(
        model="gpt-4o", input="x", stream=True, extra_headers={"x-sim": "fail_after=5"}
    )
    events: list[Any] = [event async for event in stream]
    assert events[-1].type == "response.failed"
    assert events[-1].sequence_number == 5


async def test_deepseek_sends_its_reasoning(sim: SimulatedProviders) -> None:
    url = f"http://127.0.0.1:{sim.http_port}"
    headers = {"Host": "api.deepseek.com"}
    async with openai.AsyncOpenAI(api_key="x", base_url=url, default_headers=headers) as client:
        stream = await client.chat.completions.create(model="deepseek-reasoner", messages=asks("tides"), stream=True)
        chunks: list[Any] = [chunk async for chunk in stream]
    thought = [c.choices[0].delta.reasoning_content for c in chunks if hasattr(c.choices[0].delta, "reasoning_content")]
    assert "tides" in "".join(thought)
    assert chunks[-1].usage.completion_tokens_details.reasoning_tokens == len(thought)
    assert chunks[-1].usage.prompt_cache_miss_tokens == chunks[-1].usage.prompt_tokens


async def test_groq_reports_usage_in_its_own_field(sim: SimulatedProviders) -> None:
    url = f"http://127.0.0.1:{sim.http_port}/openai/v1"
    headers = {"Host": "api.groq.com"}
    async with openai.AsyncOpenAI(api_key="x", base_url=url, default_headers=headers) as client:
        stream = await client.chat.completions.create(model="llama-3.3-70b", messages=asks("tides"), stream=True)
        chunks: list[Any] = [chunk async for chunk in stream]
    assert chunks[-1].x_groq["usage"]["total_tokens"] > 0


async def test_azure_deployment_and_its_error_shape(sim: SimulatedProviders) -> None:
    endpoint = f"http://127.0.0.1:{sim.http_port}"
    async with openai.AsyncAzureOpenAI(
        api_key="x", azure_endpoint=endpoint, api_version="2024-10-21", max_retries=0
    ) as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=asks("tides"), stream=True)
        chunks: list[Any] = [chunk async for chunk in stream]
        with pytest.raises(openai.AuthenticationError) as raised:
            await client.chat.completions.create(
                model="gpt-4o", messages=asks("x"), extra_headers={"x-sim": "status=401"}
            )
    assert chunks[0].choices == []
    assert chunks[0].prompt_filter_results
    assert chunks[1].model == "gpt-4o-2024-08-06"
    assert raised.value.code == "401"
    assert sim.received[0].path == "/openai/deployments/gpt-4o/chat/completions"


async def test_openrouter_comments_come_first(web: httpx.AsyncClient) -> None:
    body = {"model": "openai/gpt-4o", "stream": True, "messages": asks("tides")}
    answer = await web.post("/api/v1/chat/completions", json=body, headers={"host": "openrouter.ai"})
    assert answer.text.startswith(": OPENROUTER PROCESSING\n\ndata: ")
    assert answer.text.endswith("data: [DONE]\n\n")
    last = json.loads(answer.text.split("data: ")[-2])
    assert last["usage"]["total_tokens"] > 0

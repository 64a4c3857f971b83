import json
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors, types

from midwatch.simulated import SimulatedProviders

MODEL = "gemini-2.5-flash"


@pytest.fixture
def client(sim: SimulatedProviders) -> genai.Client:
    options = types.HttpOptions(base_url=f"http://127.0.0.1:{sim.http_port}")
    return genai.Client(api_key="x", http_options=options)


def scripted(script: str, **config: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(http_options=types.HttpOptions(headers={"x-sim": script}), **config)


async def test_whole_answer_counts_thoughts_beside_the_text(client: genai.Client) -> None:
    done = await client.aio.models.generate_content(model=MODEL, contents="Tell me about tides")
    assert "tides" in (done.text or "")
    assert done.model_version == MODEL
    usage: Any = done.usage_metadata
    assert usage.thoughts_token_count > 0
    assert usage.total_token_count == (
        usage.prompt_token_count + usage.candidates_token_count + usage.thoughts_token_count
    )


async def test_stream_joins_to_the_whole_and_ends_with_a_reason(client: genai.Client) -> None:
    whole = await client.aio.models.generate_content(model=MODEL, contents="Tell me about tides")
    stream = await client.aio.models.generate_content_stream(model=MODEL, contents="Tell me about tides")
    chunks: list[Any] = [chunk async for chunk in stream]
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert len(chunks) > 3
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata == whole.usage_metadata


async def test_thought_parts_when_asked_for(client: genai.Client) -> None:
    config = scripted("cached=2", thinking_config=types.ThinkingConfig(include_thoughts=True))
    done: Any = await client.aio.models.generate_content(model=MODEL, contents="Tell me about tides", config=config)
    thought, text = done.candidates[0].content.parts
    assert thought.thought
    assert not text.thought
    assert done.usage_metadata.cached_content_token_count == 2


async def test_function_calls(client: genai.Client) -> None:
    declaration = types.FunctionDeclaration(
        name="get_weather",
        parameters=types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}),
    )
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declaration])])
    contents = "use the tool for Lisbon"
    done: Any = await client.aio.models.generate_content(model=MODEL, contents=contents, config=config)
    assert done.function_calls[0].args == {"city": "tool and Lisbon"}
    stream = await client.aio.models.generate_content_stream(model=MODEL, contents=contents, config=config)
    calls = [call async for chunk in stream for call in chunk.function_calls or []]
    assert [call.name for call in calls] == ["get_weather"]


async def test_json_array_stream_without_sse(web: httpx.AsyncClient) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Tell me about tides"}]}]}
    answer = await web.post(f"/v1beta/models/{MODEL}:streamGenerateContent", json=body)
    chunks = json.loads(answer.text)
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


async def test_embeddings_and_count(client: genai.Client) -> None:
    done: Any = await client.aio.models.embed_content(model="gemini-embedding-001", contents=["tides", "seals"])
    assert [len(item.values) for item in done.embeddings] == [768, 768]
    counted: Any = await client.aio.models.count_tokens(model=MODEL, contents="tides")
    assert counted.total_tokens > 0


async def test_max_output_tokens(client: genai.Client) -> None:
    config = types.GenerateContentConfig(max_output_tokens=4)
    done: Any = await client.aio.models.generate_content(model=MODEL, contents="tides", config=config)
    assert done.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


@pytest.mark.parametrize(
    ("status", "error", "name"),
    [
        (400, errors.ClientError, "INVALID_ARGUMENT"),
        (429, errors.ClientError, "RESOURCE_EXHAUSTED"),
        (500, errors.ServerError, "INTERNAL"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_errors(client: genai.Client, status: int, error: type[errors.APIError], name: str, stream: bool) -> None:
    config = scripted(f"status={status}")
    models = client.aio.models

    async def ask() -> object:
        if not stream:
            return await models.generate_content(model=MODEL, contents="x", config=config)
        return [c async for c in await models.generate_content_stream(model=MODEL, contents="x", config=config)]

    with pytest.raises(error) as raised:
        await ask()
    assert raised.value.code == status
    assert raised.value.status == name

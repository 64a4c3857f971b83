"""Vertex AI by its real clients, and Code Assist, which has none for Python."""

import json
from typing import Any

import anthropic
import httpx
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from midwatch.simulated import SimulatedProviders

CONTENTS = [{"role": "user", "parts": [{"text": "Tell me about tides"}]}]
MESSAGES: Any = [{"role": "user", "content": "Tell me about tides"}]


def claude_on_vertex(sim: SimulatedProviders) -> anthropic.AsyncAnthropicVertex:
    return anthropic.AsyncAnthropicVertex(
        project_id="p",
        region="europe-west1",
        access_token="t",
        base_url=f"http://127.0.0.1:{sim.http_port}/v1",
        max_retries=0,
    )


def vertex(sim: SimulatedProviders) -> genai.Client:
    return genai.Client(
        vertexai=True,
        project="p",
        location="europe-west1",
        credentials=Credentials(token="t"),  # type: ignore[no-untyped-call]
        http_options=types.HttpOptions(base_url=f"http://127.0.0.1:{sim.http_port}"),
    )


async def test_claude_on_vertex(sim: SimulatedProviders) -> None:
    client = claude_on_vertex(sim)
    asked: Any = {"model": "claude-sonnet-4-5@20250929", "max_tokens": 100, "messages": MESSAGES}
    whole = await client.messages.create(**asked)
    assert whole.model == "claude-sonnet-4-5-20250929"
    async with client.messages.stream(**asked) as stream:
        assert "".join([text async for text in stream.text_stream]) == whole.content[0].text
    counted = await client.messages.count_tokens(model="claude-sonnet-4-5@20250929", messages=MESSAGES)
    assert counted.input_tokens == whole.usage.input_tokens
    paths = [item.target.rpartition("/models/")[2] for item in sim.ledger.items]
    assert paths == [
        "claude-sonnet-4-5@20250929:rawPredict",
        "claude-sonnet-4-5@20250929:streamRawPredict",
        "count-tokens:rawPredict",
    ]


async def test_gemini_on_vertex(sim: SimulatedProviders) -> None:
    kept = vertex(sim)  # it closes when nobody holds it
    client = kept.aio.models
    whole = await client.generate_content(model="gemini-2.5-flash", contents="Tell me about tides")
    assert "tides" in (whole.text or "")
    counted = await client.count_tokens(model="gemini-2.5-flash", contents="Tell me about tides")
    assert counted.total_tokens
    embedded = await client.embed_content(model="text-embedding-005", contents="Tell me about tides")
    assert embedded.embeddings
    assert embedded.embeddings[0].statistics is not None
    assert embedded.embeddings[0].statistics.token_count == 5


async def test_code_assist_wraps_what_gemini_says(web: httpx.AsyncClient) -> None:
    body = {"model": "gemini-2.5-pro", "project": "p", "request": {"contents": CONTENTS, "session_id": "s"}}
    whole = (await web.post("/v1internal:generateContent", json=body)).json()
    answer = await web.post("/v1internal:streamGenerateContent?alt=sse", json=body)
    chunks = [json.loads(line[6:])["response"] for line in answer.text.splitlines() if line.startswith("data: ")]
    said = "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks)
    assert said == whole["response"]["candidates"][0]["content"]["parts"][-1]["text"]
    assert whole["response"]["modelVersion"] == "gemini-2.5-pro"
    request = {"model": "models/gemini-2.5-pro", "contents": CONTENTS}
    counted = await web.post("/v1internal:countTokens", json={"request": request})
    assert counted.json()["totalTokens"] > 0


async def test_gemini_cli_is_told_of_its_account_before_it_asks(web: httpx.AsyncClient) -> None:
    loaded = (await web.post("/v1internal:loadCodeAssist", json={"metadata": {}})).json()
    assert loaded["currentTier"]["id"]
    assert loaded["cloudaicompanionProject"]
    for beside in ("listExperiments", "retrieveUserQuota"):
        assert (await web.post(f"/v1internal:{beside}", json={})).json() == {}

import json
from typing import Any

import httpx

MESSAGES = [{"role": "user", "content": "Tell me about tides"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def events(answer: httpx.Response) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


async def test_a_chat_says_the_same_whole_and_streamed(web: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"model": "command-a-03-2025", "messages": MESSAGES, "thinking": {"type": "enabled"}}
    whole = (await web.post("/v2/chat", json=body)).json()
    answer = await web.post("/v2/chat", json=body | {"stream": True})
    assert answer.headers["content-type"] == "text/event-stream"
    first, *middle, last = events(answer)
    assert (first["type"], last["type"]) == ("message-start", "message-end")
    assert last["delta"] == {key: whole[key] for key in ("finish_reason", "usage")}
    for index, block in enumerate(whole["message"]["content"]):
        said = [
            item["delta"]["message"]["content"] for item in middle if item.get("index") == index and "delta" in item
        ]
        kind = block["type"]
        assert "".join(part[kind] for part in said) == block[kind]
    assert whole["usage"]["tokens"]["input_tokens"] > whole["usage"]["billed_units"]["input_tokens"] > 0


async def test_a_tool_is_planned_and_called(web: httpx.AsyncClient) -> None:
    asked = [{"role": "user", "content": 'use the tool with {"city": "Bath"}'}]
    body: dict[str, Any] = {"model": "command-r", "messages": asked, "tools": [TOOL]}
    message = (await web.post("/v2/chat", json=body)).json()["message"]
    assert message["tool_plan"]
    (call,) = message["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Bath"}
    streamed = events(await web.post("/v2/chat", json=body | {"stream": True}))
    pieces = [
        item["delta"]["message"]["tool_calls"]
        for item in streamed
        if item["type"].startswith("tool-call-") and "delta" in item
    ]
    assert json.loads("".join(piece["function"]["arguments"] for piece in pieces)) == {"city": "Bath"}
    assert streamed[-1]["delta"]["finish_reason"] == "TOOL_CALL"


async def test_embeddings_and_rerank_tell_what_is_billed(web: httpx.AsyncClient) -> None:
    embedded = (await web.post("/v2/embed", json={"model": "embed-v4.0", "texts": ["one", "two"]})).json()
    assert len(embedded["embeddings"]["float"]) == 2
    assert embedded["meta"]["billed_units"] == {"input_tokens": 2}
    body = {"model": "rerank-v3.5", "query": "a wet cat", "documents": ["a dry dog", "the wet cat"]}
    ranked = (await web.post("/v2/rerank", json=body)).json()
    assert [item["index"] for item in ranked["results"]] == [1, 0]
    assert ranked["meta"]["billed_units"] == {"search_units": 1}


async def test_an_error_is_a_message(web: httpx.AsyncClient) -> None:
    answer = await web.post("/v2/chat", json={"messages": MESSAGES}, headers={"x-sim": "status=401"})
    assert (answer.status_code, answer.json()["message"]) == (401, "invalid api token")

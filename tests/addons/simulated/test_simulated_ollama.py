import json
from typing import Any

import httpx

MESSAGES = [{"role": "user", "content": "Tell me about tides"}]


def lines(answer: httpx.Response) -> list[Any]:
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_chat_streams_by_default_with_counts_in_the_last_line(web: httpx.AsyncClient) -> None:
    answer = await web.post("/api/chat", json={"model": "llama3.2", "messages": MESSAGES})
    assert answer.headers["content-type"] == "application/x-ndjson"
    *parts, last = lines(answer)
    assert all(not part["done"] and "eval_count" not in part for part in parts)
    assert last["done_reason"] == "stop"
    assert last["eval_count"] == len(parts)
    assert last["prompt_eval_count"] > 0

    whole = (await web.post("/api/chat", json={"model": "llama3.2", "messages": MESSAGES, "stream": False})).json()
    assert whole["message"]["content"] == "".join(part["message"]["content"] for part in parts)
    assert whole["eval_count"] == last["eval_count"]


async def test_generate(web: httpx.AsyncClient) -> None:
    answer = await web.post("/api/generate", json={"model": "llama3.2", "prompt": "Tell me about tides"})
    assert "tides" in "".join(part["response"] for part in lines(answer))


async def test_thinking_and_tool_calls(web: httpx.AsyncClient) -> None:
    function = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    body: Any = {
        "model": "qwen3",
        "think": True,
        "messages": [{"role": "user", "content": "use the tool"}],
        "tools": [{"type": "function", "function": function}],
    }
    parts = lines(await web.post("/api/chat", json=body))
    assert parts[0]["message"]["thinking"]
    calls = [part["message"]["tool_calls"] for part in parts if "tool_calls" in part["message"]]
    assert calls == [[{"function": {"index": 0, "name": "get_weather", "arguments": {"city": "tool"}}}]]


async def test_num_predict_and_errors(web: httpx.AsyncClient) -> None:
    body = {"model": "llama3.2", "prompt": "tides", "stream": False, "options": {"num_predict": 2}}
    assert (await web.post("/api/generate", json=body)).json()["done_reason"] == "length"
    answer = await web.post("/api/generate", json=body, headers={"x-sim": "status=404"})
    assert (answer.status_code, answer.json()) == (404, {"error": "model 'no-such-model' not found"})
    assert (await web.get("/api/tags")).json()["models"]

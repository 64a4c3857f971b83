"""The demo's calls to Amazon Bedrock, by boto3: Converse, its stream with a tool, and an invocation."""

import json
from collections.abc import Iterator
from typing import Any

import boto3

from midwatch.demo.step import KEY, QUESTION, Headers, Step

_NOVA = "amazon.nova-micro-v1:0"
_CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_TOOLS = {
    "tools": [{"toolSpec": {"name": "get_weather", "description": "Weather now", "inputSchema": {"json": _SCHEMA}}}]
}


def bedrock_steps() -> Iterator[Step]:
    """All calls, streamed and not."""
    with_headers: Headers = {}
    client = _client(with_headers)

    def whole(headers: Headers) -> object:
        with_headers.update(headers)
        return client.converse(modelId=_NOVA, messages=_says(QUESTION), system=[{"text": "You are brief."}])

    def streamed(headers: Headers) -> object:
        with_headers.update(headers)
        asked = _says("What is the weather in Lisbon? Please use the tool.")
        return list(client.converse_stream(modelId=_CLAUDE, messages=asked, toolConfig=_TOOLS)["stream"])

    def invoked(headers: Headers) -> object:
        with_headers.update(headers)
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 300}
        asked = json.dumps({**body, "messages": [{"role": "user", "content": QUESTION}]})
        return client.invoke_model(modelId=_CLAUDE, body=asked)["body"].read()

    yield Step("bedrock converse", False, whole)
    yield Step("bedrock converse with a tool", True, streamed)
    yield Step("bedrock invoke, Anthropic's format", False, invoked)


def _client(with_headers: Headers) -> Any:
    """A client that sends these headers too, as instrumentation adds them: by the library's own event."""
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
    )

    def add(request: Any, **_: object) -> None:
        for name, value in with_headers.items():
            request.headers[name] = value

    client.meta.events.register("before-send.bedrock-runtime.*", add)
    return client


def _says(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]

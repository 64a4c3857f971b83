"""boto3, unchanged, against the simulated Bedrock."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from midwatch.simulated import SimulatedProviders

NOVA = "amazon.nova-micro-v1:0"
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "Weather now",
                "inputSchema": {"json": {"type": "object", "properties": {"city": {"type": "string"}}}},
            }
        }
    ]
}


def asks(text: str) -> Any:
    return [{"role": "user", "content": [{"text": text}]}]


@pytest.fixture
def client(sim: SimulatedProviders) -> Any:
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{sim.http_port}",
        aws_access_key_id="AKIASIMULATED",
        aws_secret_access_key="simulated",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def sim_header(client: Any, script: str) -> None:
    def add(request: Any, **_: Any) -> None:
        request.headers["x-sim"] = script

    client.meta.events.register("before-sign.bedrock-runtime.*", add)


async def off_loop[T](work: Callable[[], T]) -> T:
    """boto3 blocks, and its server runs in this loop."""
    return await asyncio.to_thread(work)


async def test_converse_whole(client: Any) -> None:
    done = await off_loop(lambda: client.converse(modelId=NOVA, messages=asks("Tell me about tides")))
    assert "tides" in done["output"]["message"]["content"][0]["text"]
    assert done["stopReason"] == "end_turn"
    usage = done["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert done["ResponseMetadata"]["RequestId"]


async def test_converse_streams_a_tool_call(client: Any) -> None:
    def work() -> list[Any]:
        return list(
            client.converse_stream(
                modelId=CLAUDE,
                messages=asks("Please use the tool for Lisbon"),
                toolConfig=TOOLS,
                additionalModelRequestFields={"thinking": {"type": "enabled", "budget_tokens": 1024}},
            )["stream"]
        )

    events = await off_loop(work)
    names = [next(iter(event)) for event in events]
    assert names[0] == "messageStart"
    assert names[-2:] == ["messageStop", "metadata"]
    start = next(event["contentBlockStart"] for event in events if "contentBlockStart" in event)
    assert start["start"]["toolUse"]["name"] == "get_weather"
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    arguments = "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta)
    assert isinstance(json.loads(arguments)["city"], str)
    assert any("text" in delta.get("reasoningContent", {}) for delta in deltas)
    assert events[-2]["messageStop"]["stopReason"] == "tool_use"


@pytest.mark.parametrize("model", [NOVA, CLAUDE])
async def test_invocations_whole_and_streamed(client: Any, model: str) -> None:
    if model == CLAUDE:
        body: Any = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 300}
        body["messages"] = [{"role": "user", "content": "Tell me about tides"}]
    else:
        body = {"schemaVersion": "messages-v1", "messages": asks("Tell me about tides")}

    def whole() -> tuple[Any, Any]:
        answer = client.invoke_model(modelId=model, body=json.dumps(body))
        return json.loads(answer["body"].read()), answer["ResponseMetadata"]["HTTPHeaders"]

    def streamed() -> list[Any]:
        answer = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
        return [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]

    said, headers = await off_loop(whole)
    assert "tides" in json.dumps(said)
    assert int(headers["x-amzn-bedrock-output-token-count"]) > 0
    chunks = await off_loop(streamed)
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] > 0


async def test_no_format_is_made_up_for_a_model_that_is_not_simulated(client: Any) -> None:
    with pytest.raises(ClientError) as caught:
        await off_loop(lambda: client.invoke_model(modelId="meta.llama3-1-8b-instruct-v1:0", body='{"prompt": "Hi"}'))
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
async def test_errors_are_typed(client: Any, status: int, code: str) -> None:
    sim_header(client, f"status={status}")
    with pytest.raises(ClientError) as caught:
        await off_loop(lambda: client.converse(modelId=NOVA, messages=asks("Hi")))
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


async def test_a_stream_that_fails_raises_after_what_came(client: Any) -> None:
    sim_header(client, "fail_after=4")
    seen: list[Any] = []

    def each() -> None:
        for event in client.converse_stream(modelId=NOVA, messages=asks("Hi"))["stream"]:
            seen.append(event)

    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        await off_loop(each)
    assert len(seen) == 4


async def test_tokens_are_counted_and_guardrails_asked(client: Any) -> None:
    counted = await off_loop(
        lambda: client.count_tokens(modelId=NOVA, input={"converse": {"messages": asks("Twelve letters")}})
    )
    assert counted["inputTokens"] > 0
    asked = {"guardrailIdentifier": "g1", "guardrailVersion": "1", "source": "INPUT"}
    judged = await off_loop(lambda: client.apply_guardrail(**asked, content=[{"text": {"text": "Hi"}}]))
    assert judged["action"] == "NONE"

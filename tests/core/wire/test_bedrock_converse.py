"""Converse: blocks of every kind, usage, places and ARNs, errors, and what a refusal looks like to botocore."""

import json
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation, ToolCall, ToolResult
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.bedrock.converse import BedrockConverse, with_head
from midwatch_core.wire.dialects.bedrock.count_tokens import BedrockCountTokens
from midwatch_core.wire.dialects.bedrock.guardrail import BedrockGuardrail
from midwatch_core.wire.eventstream import CONTENT_TYPE, event_message
from midwatch_core.wire.target import Target
from tests.core.wire.wire_checks import by_path, cuts, mutated, read_request, read_response, read_stream, split_at

CONVERSE = BedrockConverse()
REFUSAL = Refusal(status=403, code="blocked_by_policy", message="No.", request_id="req-1")


def target(model: str = "amazon.nova-micro-v1:0", host: str = "bedrock-runtime.eu-west-1.amazonaws.com") -> Target:
    return Target(host=host, path="/model/x/converse-stream", captures={"model": model})


REQUEST: dict[str, Any] = {
    "system": [{"text": "Be brief."}, {"guardContent": {"text": {"text": "And safe."}}}, {"cachePoint": {}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "Look at this."},
                {"image": {"format": "png", "source": {"bytes": "aWdub3JlIHRoaXM="}}},
                {"document": {"name": "Report", "format": "pdf", "source": {"bytes": "JVBERg=="}}},
                {"document": {"name": "Notes", "format": "txt", "source": {"bytes": "SGVsbG8="}}},
                {"document": {"name": "Own", "source": {"content": [{"text": "first"}, {"text": "second"}]}}},
                {"guardContent": {"text": {"text": "a source", "qualifiers": ["grounding_source"]}}},
                {"searchResult": {"source": "https://a.test", "title": "A", "content": [{"text": "found"}]}},
                {"newKind": {"text": "never seen before"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
                {"reasoningContent": {"redactedContent": "eA=="}},
                {"toolUse": {"toolUseId": "t0", "name": "look", "input": {"at": "it"}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "toolResult": {
                        "toolUseId": "t0",
                        "status": "error",
                        "content": [
                            {"text": "seen"},
                            {"json": {"id": "x", "n": 1}},
                            {"image": {"format": "png", "source": {"bytes": "eA=="}}},
                        ],
                    }
                }
            ],
        },
    ],
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}},
            {"systemTool": {"name": "nova_code_interpreter"}},
            {"cachePoint": {"type": "default"}},
        ],
        "toolChoice": {"any": {}},
    },
    "promptVariables": {"topic": {"text": "tides"}},
    "inferenceConfig": {"maxTokens": 5},
}


def test_every_block_of_a_request_is_read() -> None:
    request = read_request(CONVERSE, REQUEST, target())
    found = by_path(request)
    user, answer, result = (f"/messages/{number}/content" for number in range(3))
    assert found == {
        "/system/0/text": ("system", "Be brief."),
        "/system/1/guardContent/text/text": ("system", "And safe."),
        "/toolConfig/tools/0/toolSpec": ("tool_definition", '{"name":"look","inputSchema":{"json":{"type":"object"}}}'),
        "/promptVariables/topic/text": ("user", "tides"),
        f"{user}/0/text": ("user", "Look at this."),
        f"{user}/2/document/name": ("document", "Report"),
        f"{user}/3/document/name": ("document", "Notes"),
        f"{user}/3/document/source/bytes": ("document", "SGVsbG8="),
        f"{user}/4/document/name": ("document", "Own"),
        f"{user}/4/document/source/content/0/text": ("document", "first"),
        f"{user}/4/document/source/content/1/text": ("document", "second"),
        f"{user}/5/guardContent/text/text": ("document", "a source"),
        f"{user}/6/searchResult/title": ("document", "A"),
        f"{user}/6/searchResult/source": ("document", "https://a.test"),
        f"{user}/6/searchResult/content/0/text": ("document", "found"),
        f"{user}/7/newKind/text": ("user", "never seen before"),
        f"{answer}/0/reasoningContent/reasoningText/text": ("reasoning", "Hm."),
        f"{answer}/2/toolUse/input": ("tool_call", '{"at":"it"}'),
        f"{result}/0/toolResult/content/0/text": ("tool_result", "seen"),
        f"{result}/0/toolResult/content/1/json": ("tool_result", '{"id":"x","n":1}'),
    }
    assert request.tools == ("look", "nova_code_interpreter")
    assert (request.model, request.stream, request.decode_error) == ("amazon.nova-micro-v1:0", True, None)
    assert request.tool_results == (ToolResult(call_id="t0", path=f"{result}/0/toolResult/content", failed=True),)
    assert request.parameters == {
        "inferenceConfig": {"maxTokens": 5},
        "region": "eu-west-1",
        "media": {"image": 2, "document": 3},
        "toolChoice": {"any": {}},
    }


ARN = "arn:aws:bedrock:us-west-2:123456789012"


@pytest.mark.parametrize(
    ("given", "model"),
    [
        (f"{ARN}:inference-profile/us.anthropic.claude-opus-4-5-v1:0", "us.anthropic.claude-opus-4-5-v1:0"),
        ("arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        (f"{ARN}:application-inference-profile/abc123", f"{ARN}:application-inference-profile/abc123"),
        (f"{ARN}:provisioned-model/abc123", f"{ARN}:provisioned-model/abc123"),
        ("arn:odd", "arn:odd"),
    ],
)
def test_a_model_called_by_its_arn(given: str, model: str) -> None:
    request = read_request(CONVERSE, {"messages": []}, target(given, "vpce-1.example"))
    assert request.model == model
    assert request.parameters["modelId"] == given
    assert request.parameters.get("region") == ("us-west-2" if ":bedrock:" in given else None)


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("bedrock-runtime.us-east-1.amazonaws.com", "us-east-1"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("vpce-0a1b-x.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com", "ap-southeast-2"),
        ("gateway.example", None),
    ],
)
def test_the_region_is_in_the_host(host: str, region: str | None) -> None:
    assert read_request(CONVERSE, {}, target("m", host)).parameters.get("region") == region


WHOLE = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm."}}},
                {"text": "Grüße"},
                {
                    "citationsContent": {
                        "content": [{"text": "cited"}],
                        "citations": [{"title": "A", "sourceContent": [{"text": "source"}]}],
                    }
                },
                {"toolUse": {"toolUseId": "t0", "name": "look", "input": {"at": "it"}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {
        "inputTokens": 10,
        "outputTokens": 7,
        "totalTokens": 117,
        "cacheReadInputTokens": 60,
        "cacheWriteInputTokens": 40,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 30}, {"ttl": "5m", "inputTokens": 10}],
    },
    "serviceTier": {"type": "flex"},
    "trace": {"promptRouter": {"invokedModelId": "amazon.nova-lite-v1:0"}},
}


def test_a_whole_answer() -> None:
    response = read_response(CONVERSE, WHOLE)
    base = "/output/message/content"
    assert by_path(response) == {
        f"{base}/0/reasoningContent/reasoningText/text": ("reasoning", "Hm."),
        f"{base}/1/text": ("assistant", "Grüße"),
        f"{base}/2/citationsContent/content/0/text": ("assistant", "cited"),
        f"{base}/2/citationsContent/citations/0/title": ("document", "A"),
        f"{base}/2/citationsContent/citations/0/sourceContent/0/text": ("document", "source"),
        f"{base}/3/toolUse/input": ("tool_call", '{"at":"it"}'),
    }
    assert response.tool_calls == (ToolCall(id="t0", name="look", path=f"{base}/3/toolUse/input"),)
    assert (response.finish_reason, response.service_tier) == (FinishReason.TOOL_CALLS, "flex")
    assert response.model == "amazon.nova-lite-v1:0"
    usage = response.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (110, 7, 60)
    assert (usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (10, 30)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("guardrail_intervened", FinishReason.CONTENT_FILTER),
        ("content_filtered", FinishReason.CONTENT_FILTER),
        ("malformed_tool_use", FinishReason.OTHER),
        ("something_new", FinishReason.OTHER),
    ],
)
def test_why_it_ended(word: str, reason: FinishReason) -> None:
    response = read_response(CONVERSE, {**WHOLE, "stopReason": word})
    assert (response.finish_reason, response.raw_finish_reason) == (reason, word)


def test_an_error_has_its_type_in_the_head() -> None:
    response = read_response(CONVERSE, {"message": "Slow down."}, 429)
    head = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/", "x-amzn-requestid": "r-1"}
    response = with_head(response, head)
    assert response.error is not None
    assert (response.error.type, response.error.message) == ("ThrottlingException", "Slow down.")
    assert (response.id, response.finish_reason) == ("r-1", FinishReason.ERROR)


def test_an_error_of_a_front_end() -> None:
    error = read_response(CONVERSE, {"__type": "com.amazon.coral#UnknownOperationException"}, 404).error
    assert error is not None
    assert error.type == "UnknownOperationException"


STREAM = b"".join(
    event_message(name, json.dumps(value).encode())
    for name, value in (
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Grü"}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "ße"}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t0", "name": "look"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"at": '}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '"it"}'}}}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}),
    )
)


@given(where=cuts)
def test_any_split_of_a_stream_gives_the_same_answer(where: list[int]) -> None:
    response, _ = read_stream(CONVERSE, split_at(STREAM, where), content_type=CONTENT_TYPE)
    assert by_path(response) == {
        "/output/message/content/0/text": ("assistant", "Grüße"),
        "/output/message/content/1/toolUse/input": ("tool_call", '{"at":"it"}'),
    }
    assert (response.complete, response.decode_error) == (True, None)
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (1, 2)


@pytest.mark.parametrize(
    ("index", "delta", "text", "trouble"),
    [
        (0, {"text": "b"}, "ab", None),
        (0, {"text": "b", "toolUse": {"input": "{}"}}, "ab", None),
        (1, {"text": "b"}, "a", None),
        (0, {"other": "b"}, "a", None),
        (0, {"text": 5}, "a", "expected a string, found int"),
        (True, {"text": "b"}, "a", "no block can be at index True"),
        (0.0, {"text": "b"}, "a", "no block can be at index 0.0"),
        (0, None, "a", "TypeError"),
    ],
)
def test_what_comes_after_the_beginning_of_a_text_is_told_apart(
    index: object, delta: object, text: str, trouble: str | None
) -> None:
    deltas = ((0, {"text": "a"}), (index, delta))
    events = [
        event_message("contentBlockDelta", json.dumps({"contentBlockIndex": at, "delta": said}).encode())
        for at, said in deltas
    ]
    response, _ = read_stream(CONVERSE, events, content_type=CONTENT_TYPE)
    assert by_path(response)["/output/message/content/0/text"] == ("assistant", text)
    assert (response.decode_error is None) is (trouble is None)
    assert (trouble or "") in (response.decode_error or "")


def test_an_exception_in_the_stream_is_its_error() -> None:
    failed = event_message("throttlingException", b'{"message":"Too many."}')
    response, _ = read_stream(CONVERSE, [failed], content_type=CONTENT_TYPE)
    assert response.error is not None
    assert (response.error.type, response.error.message) == ("throttlingException", "Too many.")
    assert (response.finish_reason, response.complete) == (FinishReason.ERROR, True)


def test_a_stream_that_broke_off_is_not_complete() -> None:
    response, _ = read_stream(CONVERSE, [STREAM[:600]], content_type=CONTENT_TYPE, in_order=False)
    assert not response.complete
    assert response.decode_error == "event stream: it ended inside a message"


@given(mutated(REQUEST), mutated(WHOLE))
def test_anything_is_read_without_an_exception(request_: Any, answer: Any) -> None:
    decode_request(CONVERSE, json.dumps(request_).encode(), target())
    read_response(CONVERSE, answer)


@given(mutated({"contentBlockIndex": 0, "delta": {"toolUse": {"input": "x"}}}), st.sampled_from(["Delta", "Start"]))
def test_any_event_is_read_without_an_exception(event: Any, kind: str) -> None:
    data = event_message(f"contentBlock{kind}", json.dumps(event).encode())
    response, _ = read_stream(CONVERSE, [data, STREAM], content_type=CONTENT_TYPE)
    assert response.raw_finish_reason == "tool_use"


def test_deeply_nested_results_are_read_as_deep_as_anything_unknown() -> None:
    block: Any = {"text": "bottom"}
    for _ in range(200):
        block = {"toolResult": {"content": [block]}}
    request = read_request(CONVERSE, {"messages": [{"role": "user", "content": [block]}]}, target())
    assert [segment.part for segment in request.segments] == ["tool_result"]


def test_a_refusal_is_an_error_that_is_typed_by_its_head() -> None:
    answer = CONVERSE.refuse(REFUSAL)
    assert answer.status == 403
    assert dict(answer.headers)["x-amzn-errortype"] == "AccessDeniedException"
    assert json.loads(answer.body) == {
        "message": "No.",
        "midwatch": {"request_id": "req-1", "code": "blocked_by_policy", "message": "No."},
    }


def test_a_refusal_that_is_final_has_a_status_that_is_not_retried() -> None:
    spent = Refusal(status=429, code="budget", message="Spent.", request_id="r", retry=False)
    answer = CONVERSE.refuse(spent)
    assert (answer.status, dict(answer.headers)["x-amzn-errortype"]) == (400, "ServiceQuotaExceededException")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, "validationException"),
        (429, "throttlingException"),
        (500, "internalServerException"),
        (503, "serviceUnavailableException"),
    ],
)
def test_a_refusal_in_a_stream_is_an_exception(status: int, kind: str) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(CONVERSE.refuse_in_stream(Refusal(status=status, code="c", message="No.", request_id="r")))
    (message,) = list(buffer)
    assert message.headers[":message-type"] == "exception"
    assert message.headers[":exception-type"] == kind
    assert json.loads(message.payload)["message"] == "No."


def test_counting_tokens_reads_what_is_counted() -> None:
    dialect = BedrockCountTokens()
    asked = {"input": {"converse": {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}}}
    request = read_request(dialect, asked, target())
    assert by_path(request) == {"/input/converse/messages/0/content/0/text": ("user", "Hi")}
    assert (request.operation, request.model) == (Operation.COUNT_TOKENS, "amazon.nova-micro-v1:0")
    raw = read_request(dialect, {"input": {"invokeModel": {"body": "eyJhIjoxfQ=="}}}, target())
    assert by_path(raw) == {"/input/invokeModel/body": ("user", "eyJhIjoxfQ==")}
    response = read_response(dialect, {"inputTokens": 7})
    assert (response.usage, response.decode_error) == (None, None)


def test_a_guardrail_is_asked_about_a_text() -> None:
    dialect = BedrockGuardrail()
    asked = {"source": "OUTPUT", "content": [{"text": {"text": "Hi", "qualifiers": ["query"]}}]}
    request = read_request(dialect, asked, Target(host="h", path="/p", captures={"guardrail": "g1"}))
    assert by_path(request) == {"/content/0/text/text": ("assistant", "Hi")}
    assert (request.operation, request.model, request.parameters["source"]) == (Operation.MODERATION, "g1", "OUTPUT")
    checks = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "checks": {"promptAttack": {}}}
    assert by_path(read_request(dialect, checks, target())) == {"/messages/0/content/0/text": ("user", "Hi")}
    answer = {"action": "GUARDRAIL_INTERVENED", "outputs": [{"text": "Sorry."}], "usage": {"topicPolicyUnits": 1}}
    response = read_response(dialect, answer)
    assert by_path(response) == {"/outputs/0/text": ("assistant", "Sorry.")}
    assert response.finish_reason == FinishReason.CONTENT_FILTER

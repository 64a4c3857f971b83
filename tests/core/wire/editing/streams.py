"""Streamed answers of every dialect: the oddities written out here, simulated providers', and recorded ones."""

import functools
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from midwatch.simulated.call import Call
from midwatch.simulated.routes import route_of
from midwatch.simulated.script import Script
from midwatch_core.model.content import Response
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.editing.cutting import Cutter, cutter_for
from midwatch_core.wire.streaming import ResponseDecoder
from tests.core.wire.editing import bedrock_streams, realtime_streams
from tests.core.wire.recordings import recorded
from tests.core.wire.wire_checks import ndjson, sse

DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
SSE, NDJSON, JSON = "text/event-stream", "application/x-ndjson", "application/json"
AWS = "application/vnd.amazon.eventstream"


@dataclass(frozen=True)
class Stream:
    """A streamed answer in full. `kind` is its content type."""

    name: str
    dialect: Dialect
    body: bytes
    kind: str = SSE

    def cutter(self) -> Cutter:
        found = cutter_for(self.kind, asked_to_stream=True, head=self.body[:64])
        assert found is not None
        return found

    def decode(self, body: bytes) -> Response:
        decoder = ResponseDecoder(
            self.dialect, status=200, content_type=self.kind, content_encoding="", asked_to_stream=True
        )
        decoder.feed(body)
        return decoder.finish().response


def chat(*deltas: dict[str, Any], finish: str = "stop", done: bool = True, **more: Any) -> bytes:
    """Chunks of one choice, its finish, usage, and `[DONE]`."""
    chunks = [_chunk({"index": 0, "delta": delta, "finish_reason": None}, **more) for delta in deltas]
    chunks.append(_chunk({"index": 0, "delta": {}, "finish_reason": finish}))
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    chunks.append({**_chunk(), "usage": usage})
    return sse(*chunks) + (b"data: [DONE]\n\n" if done else b"")


def _chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4.1",
        "choices": list(choices),
        **more,
    }


def call(index: int | None, arguments: str, kind: str = "function", **named: Any) -> dict[str, Any]:
    """A delta of one tool call."""
    key = "arguments" if kind == "function" else "input"
    name = {"name": named.pop("name")} if "name" in named else {}
    at = {} if index is None else {"index": index}
    return {"tool_calls": [{**at, **named, kind: {**name, key: arguments}}]}


TEXTS: list[dict[str, Any]] = [
    {"role": "assistant", "content": ""},
    {"content": "Grüße "},
    {"content": "😀 an "},
    {"content": "alle."},
]
TOOLS: list[dict[str, Any]] = [
    {"role": "assistant", "content": None},
    {"content": "One moment."},
    call(0, "", id="t0", type="function", name="get_weather"),
    call(0, '{"city": "Rī'),
    call(0, 'ga"}'),
    call(1, "", id="t1", type="function", name="now"),
    call(1, '{"zone": "u'),
    call(1, 'tc"}'),
]


def message(type_: str, **fields: Any) -> dict[str, Any]:
    return {"type": type_, **fields}


ANTHROPIC = [
    message(
        "message_start",
        message={
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 12, "output_tokens": 1},
        },
    ),
    message("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}),
    message("ping"),
    message("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Let me"}),
    message("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": " see."}),
    message("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "s=="}),
    message("content_block_stop", index=0),
    message("content_block_start", index=1, content_block={"type": "text", "text": ""}),
    message("content_block_delta", index=1, delta={"type": "text_delta", "text": "Grüße "}),
    message("content_block_delta", index=1, delta={"type": "text_delta", "text": "an alle."}),
    message("content_block_stop", index=1),
    message(
        "content_block_start",
        index=2,
        content_block={"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}},
    ),
    message("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": ""}),
    message("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": '{"city": "Rī'}),
    message("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": 'ga"}'}),
    message("content_block_stop", index=2),
    message("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 40}),
    message("message_stop"),
]


TRANSCRIPT = [
    message("transcript.text.delta", delta="Grüße ", logprobs=[{"token": "Grüße", "logprob": -0.1}]),
    message("transcript.text.delta", delta="an alle."),
    message("transcript.text.segment", id="s1", speaker="A", start=0, end=1, text="Grüße an alle."),
    message("transcript.text.done", text="Grüße an alle.", logprobs=[{"token": "Grüße", "logprob": -0.1}]),
]


def gemini(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    content = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    return {
        "candidates": [{**content, "index": 0, **candidate}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
    }


GEMINI = [
    gemini({"text": "Let me", "thought": True}),
    gemini({"text": " see.", "thought": True}, {"text": "Grü"}),
    gemini({"text": "ße "}),
    gemini({"text": "an alle."}, {"functionCall": {"name": "get_weather", "args": {"city": "Rīga"}}}),
    gemini({"text": "Done"}),
    gemini({"text": "."}, finishReason="STOP"),
]
GEMINI_PARTIAL = [
    gemini({"functionCall": {"name": "send", "willContinue": True}}),
    gemini(
        {
            "functionCall": {
                "partialArgs": [{"jsonPath": "$.to", "stringValue": "jo", "willContinue": True}],
                "willContinue": True,
            }
        }
    ),
    gemini(
        {"functionCall": {"partialArgs": [{"jsonPath": "$.to", "stringValue": "hn"}], "willContinue": True}},
    ),
    gemini({"functionCall": {}}),
    gemini(finishReason="STOP"),
]


def line(**more: Any) -> dict[str, Any]:
    return {
        "model": "llama3.1",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "", **more},
        "done": False,
    }


OLLAMA = [
    line(thinking="Let me"),
    line(thinking=" see."),
    line(content="Grüße "),
    line(content="an alle."),
    line(tool_calls=[{"function": {"name": "get_weather", "arguments": {"city": "Rīga"}}}]),
    {**line(), "done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 3},
]


def cohere(kind: str, index: int | None = None, **said: Any) -> dict[str, Any]:
    """One event of Cohere's with its delta of the message."""
    at = {} if index is None else {"index": index}
    return {"type": kind, **at, **({"delta": {"message": said}} if said else {})}


COHERE_CALL = {"id": "now_1", "type": "function", "function": {"name": "now", "arguments": ""}}
COHERE_SOURCE = {"type": "document", "id": "doc:0", "document": {"id": "doc:0", "text": "Grüße an alle."}}
COHERE = [
    {"id": "m1", **cohere("message-start", role="assistant", content=[], tool_plan="", tool_calls=[], citations=[])},
    cohere("tool-plan-delta", tool_plan="I will "),
    cohere("tool-plan-delta", tool_plan="look."),
    cohere("tool-call-start", 0, tool_calls=COHERE_CALL),
    cohere("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"zone": "u'}}),
    cohere("tool-call-delta", 0, tool_calls={"function": {"arguments": 'tc"}'}}),
    cohere("tool-call-end", 0),
    cohere("content-start", 0, content={"type": "thinking", "thinking": ""}),
    cohere("content-delta", 0, content={"thinking": "Let me see."}),
    cohere("content-end", 0),
    cohere("content-start", 1, content={"type": "text", "text": ""}),
    cohere("content-delta", 1, content={"text": "Grüße "}),
    {**cohere("content-delta", 1, content={"text": "an alle."}), "logprobs": {"text": "an alle.", "token_ids": [1]}},
    cohere("citation-start", 0, citations={"start": 0, "end": 5, "text": "Grüße", "sources": [COHERE_SOURCE]}),
    cohere("citation-end", 0),
    cohere("content-end", 1),
    {
        "type": "message-end",
        "delta": {"finish_reason": "COMPLETE", "usage": {"billed_units": {"input_tokens": 9, "output_tokens": 3}}},
    },
]


V1_CALL = {"name": "now", "parameters": {"zone": "utc"}}
V1_ANSWER = {
    "generation_id": "g1",
    "text": "Grüße an alle.",
    "finish_reason": "COMPLETE",
    "tool_calls": [V1_CALL],
    "search_queries": [{"text": "greetings", "generation_id": "g1"}],
    "citations": [{"start": 0, "end": 5, "text": "Grüße", "document_ids": ["d0"]}],
    "documents": [{"id": "d0", "snippet": "Alle grüßen."}],
    "chat_history": [{"role": "USER", "message": "Hi"}, {"role": "CHATBOT", "message": "Grüße an alle."}],
    "meta": {"billed_units": {"input_tokens": 9, "output_tokens": 3}},
}


def cohere_v1(kind: str, **more: Any) -> dict[str, Any]:
    """One line of Cohere's version 1."""
    return {"is_finished": kind == "stream-end", "event_type": kind, **more}


COHERE_V1 = [
    cohere_v1("stream-start", generation_id="g1"),
    cohere_v1("search-queries-generation", search_queries=V1_ANSWER["search_queries"]),
    cohere_v1("search-results", documents=V1_ANSWER["documents"], search_results=[]),
    cohere_v1("text-generation", text="Grüße "),
    cohere_v1("text-generation", text="an alle."),
    cohere_v1("citation-generation", citations=V1_ANSWER["citations"]),
    cohere_v1("tool-calls-chunk", tool_call_delta={"index": 0.0, "name": "now"}),
    cohere_v1("tool-calls-chunk", tool_call_delta={"index": 0.0, "parameters": '{"zone":"u'}),
    cohere_v1("tool-calls-chunk", tool_call_delta={"index": 0.0, "parameters": 'tc"}'}),
    cohere_v1("tool-calls-generation", text="Grüße an alle.", tool_calls=[V1_CALL]),
    cohere_v1("stream-end", finish_reason="COMPLETE", response=V1_ANSWER),
]


def response_events() -> list[dict[str, Any]]:
    """A reasoning, a message of two parts, a function call and a custom one, in the Responses API."""
    base = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-4.1", "status": "in_progress"}
    usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    summary: dict[str, Any] = {"type": "summary_text", "text": "Let me see."}
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": [summary]}
    text: dict[str, Any] = {"type": "output_text", "text": "Grüße an alle.", "annotations": [], "logprobs": []}
    refusal = {"type": "refusal", "refusal": "Not that."}
    said = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text, refusal]}
    called = {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": '{"city": "Rīga"}',
        "status": "completed",
    }
    custom = {
        "id": "ct_1",
        "type": "custom_tool_call",
        "call_id": "call_2",
        "name": "sh",
        "input": "ls -l",
        "status": "completed",
    }
    output = [reasoning, said, called, custom]
    events = [
        message("response.created", response={**base, "output": []}),
        message("response.in_progress", response={**base, "output": []}),
        message("response.output_item.added", output_index=0, item={**reasoning, "summary": []}),
        *_text_events(
            "reasoning_summary_part",
            "reasoning_summary_text",
            summary,
            0,
            "rs_1",
            "summary_index",
            0,
            "text",
        ),
        message("response.output_item.done", output_index=0, item=reasoning),
        message("response.output_item.added", output_index=1, item={**said, "content": [], "status": "in_progress"}),
        *_text_events("content_part", "output_text", text, 1, "msg_1", "content_index", 0, "text"),
        *_text_events("content_part", "refusal", refusal, 1, "msg_1", "content_index", 1, "refusal"),
        message("response.output_item.done", output_index=1, item=said),
        *_call_events("function_call_arguments", called, 2, "arguments"),
        *_call_events("custom_tool_call_input", custom, 3, "input"),
        message("response.completed", response={**base, "status": "completed", "output": output, "usage": usage}),
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _text_events(
    part_event: str, text_event: str, part: dict[str, Any], at: int, item: str, field: str, index: int, member: str
) -> list[dict[str, Any]]:
    where = {"item_id": item, "output_index": at, field: index}
    probs: dict[str, Any] = {"logprobs": []} if text_event == "output_text" else {}
    text = part[member]
    return [
        message(f"response.{part_event}.added", **where, part={**part, member: ""}),
        *(
            message(f"response.{text_event}.delta", **where, delta=piece, **probs)
            for piece in (text[:3], text[3:7], text[7:])
        ),
        message(f"response.{text_event}.done", **where, **{member: text}, **probs),
        message(f"response.{part_event}.done", **where, part=part),
    ]


def _call_events(kind: str, item: dict[str, Any], at: int, member: str) -> list[dict[str, Any]]:
    where = {"item_id": item["id"], "output_index": at}
    text = item[member]
    return [
        message("response.output_item.added", output_index=at, item={**item, member: "", "status": "in_progress"}),
        *(message(f"response.{kind}.delta", **where, delta=piece) for piece in (text[:4], text[4:])),
        message(f"response.{kind}.done", **where, **{member: text}),
        message("response.output_item.done", output_index=at, item=item),
    ]


def _multi() -> bytes:
    chunks = []
    for piece in ("Eins ", "zwei ", "drei"):
        chunks += [
            _chunk({"index": index, "delta": {"content": f"{piece}{index}"}, "finish_reason": None}) for index in (1, 0)
        ]
    chunks += [_chunk({"index": index, "delta": {}, "finish_reason": "stop"}) for index in (0, 1)]
    return sse(*chunks) + b"data: [DONE]\n\n"


def _perplexity() -> bytes:
    """The whole text so far comes with each delta."""
    chunks, said = [], ""
    for piece, reason in (("Grüße ", None), ("an ", None), ("alle.", "stop")):
        said += piece
        choice = {"index": 0, "delta": {"content": piece}, "message": {"content": said}, "finish_reason": reason}
        chunks.append(_chunk(choice))
    return sse(*chunks)


def _mistral() -> bytes:
    think = [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]} for piece in ("Let me", " see.")]
    return chat(
        {"role": "assistant", "content": ""},
        {"content": [think[0]]},
        {"content": [think[1]]},
        {"content": [{"type": "text", "text": "Grüße "}]},
        {"content": "an alle."},
        {"tool_calls": [{"id": "x1", "function": {"name": "now", "arguments": '{"zone": "utc"}'}, "index": 0}]},
    )


def _copilot() -> bytes:
    """Reasoning under a name of its own, filters before the text and prices beside the usage."""
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    return (
        sse(
            {"choices": [], "created": 0, "id": "", "prompt_filter_results": [{"prompt_index": 0}]},
            _chunk({"index": 0, "delta": {"role": "assistant", "reasoning_text": "Let me"}}),
            _chunk({"index": 0, "delta": {"reasoning_text": " see.", "reasoning_opaque": "b3BhcXVl"}}),
            _chunk({"index": 0, "delta": {"content": "Grüße "}}),
            _chunk(
                {"index": 0, "delta": {"content": "an alle."}, "finish_reason": "stop"},
                usage=usage,
                copilot_usage={"token_details": []},
            ),
        )
        + b"data: [DONE]\n\n"
    )


def _completions() -> bytes:
    texts = [
        {
            "id": "cmpl",
            "object": "text_completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": reason}],
        }
        for text, reason in (("Grüße ", None), ("an ", None), ("alle.", "stop"))
    ]
    return sse(*texts) + b"data: [DONE]\n\n"


KEPT_ALIVE = b": ping\nid: 7\nretry: 3\ndata:"
OWN = [
    Stream("chat", DIALECTS["openai.chat"], chat(*TEXTS)),
    Stream("chat-tools", DIALECTS["openai.chat"], chat(*TOOLS, finish="tool_calls")),
    Stream("chat-crlf", DIALECTS["openai.chat"], b"\xef\xbb\xbf: hi\r\n\r\n" + chat(*TEXTS).replace(b"\n", b"\r\n")),
    Stream("chat-cr", DIALECTS["openai.chat"], chat(*TEXTS).replace(b"\n", b"\r")),
    Stream(
        "chat-kept-alive",
        DIALECTS["openai.chat"],
        b": wait\n" + chat(*TEXTS).replace(b"data:", KEPT_ALIVE),
    ),
    Stream("chat-no-done", DIALECTS["openai.chat"], chat(*TEXTS, done=False)),
    Stream(
        "chat-reasoning-twice",
        DIALECTS["openai.chat"],
        chat(
            {"role": "assistant", "reasoning": "Let me", "reasoning_content": "Let me"},
            {"reasoning": " see.", "reasoning_content": " see."},
            {"content": "Grüße"},
        ),
    ),
    Stream(
        "chat-details",
        DIALECTS["openai.chat"],
        chat(
            {"content": "", "reasoning_details": [{"type": "reasoning.text", "text": "Let me", "index": 0}]},
            {"content": "", "reasoning_details": [{"type": "reasoning.text", "text": " see.", "index": 0}]},
            {"content": "Grüße"},
        ),
    ),
    Stream("chat-copilot", DIALECTS["openai.chat"], _copilot()),
    Stream("chat-refusal", DIALECTS["openai.chat"], chat({"refusal": "I can "}, {"refusal": "not."})),
    Stream(
        "chat-custom",
        DIALECTS["openai.chat"],
        chat(call(0, "ls", kind="custom", id="t0", name="sh"), call(0, " -l", kind="custom"), finish="tool_calls"),
    ),
    Stream(
        "chat-function-call",
        DIALECTS["openai.chat"],
        chat(
            {"function_call": {"name": "now", "arguments": ""}},
            {"function_call": {"arguments": '{"zone": '}},
            {"function_call": {"arguments": '"utc"}'}},
            finish="function_call",
        ),
    ),
    Stream(
        "chat-same-index",
        DIALECTS["openai.chat"],
        chat(
            call(0, '{"zone": "utc"}', id="a", name="now"),
            call(0, '{"zone": "cet"}', id="b", name="now"),
            call(None, '{"zone": "est"}', id="c", name="now"),
            finish="tool_calls",
        ),
    ),
    Stream("chat-mistral", DIALECTS["openai.chat"], _mistral()),
    Stream("chat-perplexity", DIALECTS["openai.chat"], _perplexity()),
    Stream("chat-choices", DIALECTS["openai.chat"], _multi()),
    Stream("completions", DIALECTS["openai.completions"], _completions()),
    Stream("responses", DIALECTS["openai.responses"], sse(*response_events(), named=True)),
    *(Stream(name, DIALECTS["openai.realtime"], body) for name, body in realtime_streams.BODIES.items()),
    Stream("transcript", DIALECTS["openai.transcriptions"], sse(*TRANSCRIPT)),
    Stream("anthropic", DIALECTS["anthropic.messages"], sse(*ANTHROPIC, named=True)),
    Stream("gemini", DIALECTS["gemini.generate_content"], sse(*GEMINI).replace(b"\n", b"\r\n")),
    Stream("gemini-array", DIALECTS["gemini.generate_content"], json.dumps(GEMINI, indent=2).encode() + b"\n", JSON),
    Stream("gemini-array-compact", DIALECTS["gemini.generate_content"], json.dumps(GEMINI).encode(), JSON),
    Stream("cohere", DIALECTS["cohere.chat"], sse(*COHERE, named=True) + b"data: [DONE]\n\n"),
    Stream("cohere-v1", DIALECTS["cohere.chat_v1"], ndjson(*COHERE_V1), "application/stream+json"),
    Stream(
        "code-assist",
        DIALECTS["gemini.code_assist"],
        sse(*({"response": event, "traceId": "t1"} for event in GEMINI)).replace(b"\n", b"\r\n"),
    ),
    Stream("ollama", DIALECTS["ollama.chat"], ndjson(*OLLAMA), NDJSON),
    Stream(
        "ollama-generate",
        DIALECTS["ollama.generate"],
        ndjson(
            {"model": "m", "response": "", "thinking": "Hm.", "done": False},
            {"model": "m", "response": "Grüße ", "done": False},
            {"model": "m", "response": "an alle.", "done": False},
            {"model": "m", "response": "", "done": True, "done_reason": "stop", "eval_count": 3},
        ),
        NDJSON,
    ),
    *(Stream(name, DIALECTS[dialect], body, AWS) for name, dialect, body in bedrock_streams.WRITTEN),
    Stream("bedrock-anthropic", DIALECTS["bedrock.invoke"], bedrock_streams.chunks(*ANTHROPIC), AWS),
]
PARTIAL = Stream("gemini-partial", DIALECTS["gemini.generate_content"], sse(*GEMINI_PARTIAL))

_PROMPT = "Tell me of rivers and use the tools"
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_TOOL = {"name": "get_weather", "description": "Weather", "parameters": _SCHEMA}
_MESSAGES = [{"role": "user", "content": _PROMPT}]
_CONTENTS = [{"role": "user", "parts": [{"text": _PROMPT}]}]
_SIMULATED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("openai.chat", "api.openai.com", "/v1/chat/completions", {"messages": _MESSAGES}),
    (
        "openai.chat",
        "api.openai.com",
        "/v1/chat/completions",
        {"messages": _MESSAGES, "n": 2, "tools": [{"type": "function", "function": _TOOL}]},
    ),
    ("openai.completions", "api.openai.com", "/v1/completions", {"prompt": _PROMPT}),
    (
        "openai.responses",
        "api.openai.com",
        "/v1/responses",
        {"input": _PROMPT, "reasoning": {"effort": "low"}, "tools": [{"type": "function", **_TOOL}]},
    ),
    (
        "anthropic.messages",
        "api.anthropic.com",
        "/v1/messages",
        {
            "messages": _MESSAGES,
            "max_tokens": 4000,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "tools": [{"name": "get_weather", "input_schema": _SCHEMA}],
        },
    ),
    (
        "gemini.generate_content",
        "generativelanguage.googleapis.com",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        {"contents": _CONTENTS, "tools": [{"functionDeclarations": [_TOOL]}]},
    ),
    (
        "ollama.chat",
        "localhost",
        "/api/chat",
        {"messages": _MESSAGES, "tools": [{"type": "function", "function": _TOOL}]},
    ),
    ("ollama.generate", "localhost", "/api/generate", {"prompt": _PROMPT}),
]
_BEDROCK = "bedrock-runtime.us-east-1.amazonaws.com"
_NOVA = {
    "messages": [{"role": "user", "content": [{"text": _PROMPT}]}],
    "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": _SCHEMA}}}]},
}
_ON_BEDROCK: list[tuple[str, str, str, dict[str, Any]]] = [
    ("bedrock.converse", _BEDROCK, "/model/anthropic.x/converse-stream", _NOVA),
    ("bedrock.invoke", _BEDROCK, "/model/amazon.nova-x/invoke-with-response-stream", _NOVA),
    ("bedrock.invoke", _BEDROCK, "/model/anthropic.x/invoke-with-response-stream", _SIMULATED[4][3]),
]


def _simulated(number: int, dialect: str, host: str, path: str, body: dict[str, Any], query: str = "") -> Stream:
    asked = Call(
        method="POST",
        host=host,
        path=path,
        query=query,
        body={"model": "m", "stream": True, **body},
        at=1_700_000_000,
        serial=1,
    )
    route = route_of("POST", path)
    assert route is not None
    answer = route.build(asked, Script())
    events = b"".join(answer.events)
    return Stream(f"simulated-{number}-{dialect}", DIALECTS[dialect], events, answer.content_type)


SIMULATED = [
    *(_simulated(number, *row) for number, row in enumerate(_SIMULATED)),
    _simulated(8, *_SIMULATED[5], query="alt=sse"),
    *(_simulated(number, *row) for number, row in enumerate(_ON_BEDROCK, start=20)),
    _simulated(
        9,
        "gemini.code_assist",
        "cloudcode-pa.googleapis.com",
        "/v1internal:streamGenerateContent",
        {"request": _SIMULATED[5][3]},
        query="alt=sse",
    ),
    _simulated(
        10,
        "cohere.chat",
        "api.cohere.com",
        "/v2/chat",
        {"messages": _MESSAGES, "tools": [{"type": "function", "function": _TOOL}]},
    ),
]

_PATHS = {
    "/chat/completions": "openai.chat",
    "/completions": "openai.completions",
    "/responses": "openai.responses",
    "/messages": "anthropic.messages",
    "/v2/chat": "cohere.chat",
    ":streamRawPredict": "anthropic.messages",
    ":streamGenerateContent": "gemini.generate_content",
    "/api/chat": "ollama.chat",
    "/api/generate": "ollama.generate",
    "/converse-stream": "bedrock.converse",
    "/invoke-with-response-stream": "bedrock.invoke",
}
_KINDS = (
    "anthropic-sse",
    "azure-openai-sse",
    "bedrock-converse-stream",
    "bedrock-invoke-stream",
    "cohere-sse",
    "gemini-sse",
    "groq-sse",
    "mistral-sse",
    "ollama-chat-ndjson",
    "ollama-generate-ndjson",
    "openai-chat-sse",
    "openai-completions-sse",
    "openai-responses-sse",
    "openrouter-sse",
    "vertex-sse",
    "vllm-local-sse",
)


@functools.cache
def recorded_streams() -> list[Any]:
    """Parameters: the recorded streams, or one that skips."""
    found = []
    for item in recorded(*_KINDS):
        recording = item.values[0]
        if recording is None:
            return [item]
        path = urlsplit(recording.uri).path
        dialect = next(name for end, name in _PATHS.items() if path.endswith(end))
        kind = NDJSON if recording.kind.endswith("ndjson") else SSE
        if recording.response.plain.lstrip().startswith(b"["):
            kind = JSON
        elif recording.kind.startswith("bedrock"):
            kind = AWS
        found.append(pytest.param(Stream(item.id or "", DIALECTS[dialect], recording.response.plain, kind), id=item.id))
    return found


ALL = [*(pytest.param(item, id=item.name) for item in (*OWN, *SIMULATED)), *recorded_streams()]

"""Chat Completions as a stream, of OpenAI and of those who speak like it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, ProviderError, ToolCall
from midwatch_core.model.stream import StreamKind
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from tests.core.wire.wire_checks import by_path, cuts, mutated, read_response, read_stream, split_at, sse, texts

CHAT = OpenAIChat()
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def chunk(delta: Any = None, *, finish: str | None = None, index: int = 0, **top: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish, "logprobs": None}
    return {"id": "chatcmpl-1", "model": "gpt-4o", "object": "chat.completion.chunk", "choices": [choice], **top}


def call(index: int | None, tool_id: str | None = None, name: str | None = None, arguments: str | None = None) -> Any:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    made: dict[str, Any] = {"function": function}
    if index is not None:
        made["index"] = index
    if tool_id is not None:
        made |= {"id": tool_id, "type": "function"}
    return chunk({"tool_calls": [made]})


PLAIN = [
    chunk({"role": "assistant", "content": ""}, service_tier="default", usage=None),
    chunk({"content": "Hel"}),
    chunk({"content": "lo ☃"}),
    chunk({}, finish="stop"),
    {"id": "chatcmpl-1", "model": "gpt-4o", "choices": [], "usage": USAGE},
]
CALLS = [
    chunk({"role": "assistant", "content": None}),
    call(0, "c1", "f", ""),
    call(0, None, None, '{"a":'),
    call(0, None, None, "1}"),
    call(1, "c2", "g", ""),
    chunk({}, finish="tool_calls"),
]
ARGUMENTS = "/choices/0/message/tool_calls/{}/function/arguments"


def test_a_plain_stream() -> None:
    response, events = read_stream(CHAT, [sse(*PLAIN) + DONE])
    assert (response.id, response.model, response.service_tier) == ("chatcmpl-1", "gpt-4o", "default")
    assert by_path(response) == {"/choices/0/message/content": ("assistant", "Hello ☃")}
    assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.STOP, "stop")
    assert response.usage == Usage(input_tokens=9, output_tokens=3)
    assert response.complete
    assert response.decode_error is None
    assert [event.kind for event in events] == [StreamKind.TEXT, StreamKind.FINISH, StreamKind.USAGE]


def test_tool_calls_come_in_pieces() -> None:
    response, _ = read_stream(CHAT, [sse(*CALLS) + DONE])
    assert response.tool_calls == (
        ToolCall(id="c1", name="f", path=ARGUMENTS.format(0)),
        ToolCall(id="c2", name="g", path=ARGUMENTS.format(1)),
    )
    assert by_path(response)[ARGUMENTS.format(0)] == ("tool_call", '{"a":1}')
    assert response.finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([call(0, "c1", "f", "{1}"), call(0, "c2", "g", "{2}")], id="whole, all with index 0"),
        pytest.param([call(None, "c1", "f", "{1}"), call(None, "c2", "g", "{2}")], id="whole, without index"),
        pytest.param(
            [call(None, "c1", "f", "{"), call(None, None, None, "1}"), call(None, "c2", "g", "{2}")],
            id="in pieces, without index",
        ),
        pytest.param([call(1, "c1", "f", "{1}"), call(2, "c2", "g", "{2}")], id="counted from 1"),
        pytest.param(
            [call(0, "c1", "f", "{"), call(0, "other", None, "1}"), call(1, "c2", "g", "{2}")],
            id="an id of its own on each piece",
        ),
        pytest.param(
            [call(0, "c1", "f", "{1}"), call(0, "c2", "g", "{"), call(0, None, None, "2}")],
            id="index 0 for all, the second in pieces",
        ),
    ],
)
def test_tool_calls_of_servers_with_ways_of_their_own(chunks: list[Any]) -> None:
    response, _ = read_stream(CHAT, [sse(*chunks) + DONE])
    assert [(item.id, item.name, item.path) for item in response.tool_calls] == [
        ("c1", "f", ARGUMENTS.format(0)),
        ("c2", "g", ARGUMENTS.format(1)),
    ]
    assert [segment.text for segment in response.segments] == ["{1}", "{2}"]


def test_custom_tools_and_the_legacy_function() -> None:
    response, _ = read_stream(
        CHAT,
        [
            sse(
                chunk(
                    {"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "sh", "input": "l"}}]}
                ),
                chunk({"tool_calls": [{"index": 0, "custom": {"input": "s"}}]}),
                chunk({"function_call": {"name": "old", "arguments": ""}}),
                chunk({"function_call": {"arguments": "{}"}}),
            )
        ],
    )
    assert by_path(response) == {
        "/choices/0/message/tool_calls/0/custom/input": ("tool_call", "ls"),
        "/choices/0/message/function_call/arguments": ("tool_call", "{}"),
    }
    assert [item.name for item in response.tool_calls] == ["sh", "old"]


@pytest.mark.parametrize(
    ("deltas", "segments"),
    [
        (
            [{"reasoning_content": "2+"}, {"reasoning_content": "2"}, {"content": "4", "reasoning_content": None}],
            {"/reasoning_content": ("reasoning", "2+2"), "/content": ("assistant", "4")},
        ),
        (
            [
                {"content": "", "reasoning": "2+2", "reasoning_details": [{"type": "reasoning.text", "text": "2+2"}]},
                {"content": "4"},
            ],
            {"/reasoning": ("reasoning", "2+2"), "/content": ("assistant", "4")},
        ),
        (
            [{"reasoning_details": [{"type": "reasoning.summary", "summary": "S", "index": 1}]}],
            {"/reasoning_details/1/summary": ("reasoning", "S")},
        ),
        ([{"reasoning": "x", "reasoning_content": "x"}], {"/reasoning": ("reasoning", "x")}),
        ([{"refusal": "I "}, {"refusal": "won't"}], {"/refusal": ("assistant", "I won't")}),
        (
            [
                {"content": ""},
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "."}]}]},
                {"content": [{"type": "text", "text": "4"}]},
                {"content": "!"},
            ],
            {"/content/0/thinking/0/text": ("reasoning", "Hm."), "/content/1/text": ("assistant", "4!")},
        ),
        (
            [
                {"content": [{"type": "thinking", "thinking": "Hm"}]},
                {"content": "4"},
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Or"}]}]},
                {"content": "5"},
            ],
            {
                "/content/0/thinking": ("reasoning", "Hm"),
                "/content/1/text": ("assistant", "4"),
                "/content/2/thinking/0/text": ("reasoning", "Or"),
                "/content/3/text": ("assistant", "5"),
            },
        ),
        (
            [{"audio": {"id": "a", "transcript": "He"}}, {"audio": {"transcript": "y"}}, {"audio": {"data": "AA"}}],
            {"/audio/transcript": ("assistant", "Hey")},
        ),
    ],
)
def test_texts_beside_plain_content(deltas: list[Any], segments: dict[str, tuple[str, str]]) -> None:
    response, _ = read_stream(CHAT, [sse(*map(chunk, deltas)) + DONE])
    assert by_path(response) == {f"/choices/0/message{path}": text for path, text in segments.items()}
    assert response.decode_error is None


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(
            [chunk({"content": "x"}, usage=USAGE), chunk({}, finish="stop", usage=USAGE)], id="in every chunk"
        ),
        pytest.param([chunk({}, finish="stop", x_groq={"id": "r", "usage": USAGE})], id="groq"),
        pytest.param(
            [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}]}], id="moonshot"
        ),
        pytest.param([chunk({}, finish="stop"), {"choices": [], "usage": USAGE}], id="after the last choice"),
    ],
)
def test_usage_wherever_it_comes(chunks: list[Any]) -> None:
    response, events = read_stream(CHAT, [sse(*chunks) + DONE])
    assert response.usage == Usage(input_tokens=9, output_tokens=3)
    assert [event.kind for event in events].count(StreamKind.USAGE) == 1


def test_usage_that_grows_is_the_last() -> None:
    growing = [chunk({"content": "x"}, usage={"prompt_tokens": 9, "completion_tokens": count}) for count in (1, 2, 3)]
    response, _ = read_stream(CHAT, [sse(*growing)], in_order=False)
    assert response.usage == Usage(input_tokens=9, output_tokens=3)


def test_azure_s_first_chunk_has_no_choice_and_no_model() -> None:
    first = {"choices": [], "id": "", "model": "", "object": "", "prompt_filter_results": [{"prompt_index": 0}]}
    response, _ = read_stream(CHAT, [sse(first, *PLAIN) + DONE])
    assert (response.id, response.model) == ("chatcmpl-1", "gpt-4o")
    assert response.decode_error is None


def test_several_choices_interleaved() -> None:
    response, _ = read_stream(
        CHAT,
        [
            sse(
                chunk({"content": "A"}, index=0),
                chunk({"content": "B"}, index=1),
                chunk({"content": "a"}, index=0),
                chunk({}, index=1, finish="length"),
                chunk({}, index=0, finish="stop"),
            )
            + DONE
        ],
    )
    assert by_path(response) == {
        "/choices/0/message/content": ("assistant", "Aa"),
        "/choices/1/message/content": ("assistant", "B"),
    }
    assert response.finish_reason is FinishReason.STOP


def test_an_error_in_the_stream() -> None:
    failed = {"error": {"code": 400, "message": "Token limit reached"}, **chunk({"content": ""}, finish="error")}
    response, events = read_stream(CHAT, [sse(chunk({"content": "x"}), failed) + DONE])
    assert response.error == ProviderError(type="400", message="Token limit reached")
    assert response.finish_reason is FinishReason.ERROR
    assert events[-1].kind is StreamKind.ERROR


def test_a_whole_answer_sent_as_one_event() -> None:
    whole = {
        "id": "c",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    response, _ = read_stream(CHAT, [sse(whole)])
    assert by_path(response) == by_path(read_response(CHAT, whole))
    assert response.complete


def test_it_is_complete_at_done_or_when_it_ends_in_order_after_its_finish() -> None:
    assert read_stream(CHAT, [sse(*PLAIN)])[0].complete
    assert not read_stream(CHAT, [sse(*PLAIN)], in_order=False)[0].complete
    assert not read_stream(CHAT, [sse(*PLAIN[:2])])[0].complete
    assert read_stream(CHAT, [sse(*PLAIN) + DONE], in_order=False)[0].complete


def test_an_event_that_is_no_chunk_is_noted_and_the_rest_is_read() -> None:
    response, _ = read_stream(CHAT, [b"data: {oops\n\ndata: 7\n\n" + sse(*PLAIN) + DONE])
    assert by_path(response) == {"/choices/0/message/content": ("assistant", "Hello ☃")}
    assert (response.decode_error or "").startswith("event 1: ")


@given(where=cuts, stream=st.sampled_from([PLAIN, CALLS]))
def test_any_split_gives_the_same(where: list[int], stream: list[Any]) -> None:
    data = b": comment\n\n" + sse(*stream) + DONE
    expected, _ = read_stream(CHAT, [data])
    response, events = read_stream(CHAT, split_at(data, where))
    assert response == expected
    assert texts(events) == {segment.path: segment.text for segment in expected.segments if segment.text}


@given(
    events=st.lists(
        mutated(*PLAIN, *CALLS, chunk({"content": [{"type": "thinking", "thinking": [{"text": "x"}]}]})), max_size=4
    )
)
def test_no_event_makes_it_raise(events: list[Any]) -> None:
    read_stream(CHAT, [sse(*events) + DONE])


@given(data=st.binary(max_size=200))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    read_stream(CHAT, [b"data: " + data + b"\n\n"])


def test_indices_out_of_reach_cost_no_memory() -> None:
    assembly = Assembly()
    reader = CHAT.stream_reader(assembly)
    with pytest.raises(ValueError, match="no index"):
        reader.event("", b'{"choices":[{"index":99999999,"delta":{"content":"x"}}]}')
    assert assembly.drain() == []


def test_copilot_gives_no_index_and_calls_its_reasoning_a_text() -> None:
    events: list[dict[str, Any]] = [
        {"choices": [], "id": "", "prompt_filter_results": [{"prompt_index": 0}]},
        {"id": "c1", "choices": [{"delta": {"role": "assistant", "reasoning_text": "Let me"}}]},
        {"id": "c1", "choices": [{"delta": {"reasoning_text": " see.", "reasoning_opaque": "b3BhcXVl"}}]},
        {"id": "c1", "model": "claude-sonnet-4.5", "choices": [{"delta": {"content": "Hello"}}]},
        {
            "id": "c1",
            "choices": [{"delta": {}, "finish_reason": "stop"}],
            "usage": USAGE,
            "copilot_usage": {"token_details": [{"cost_per_batch": 1}]},
        },
    ]
    response, _ = read_stream(CHAT, [sse(*events) + DONE])
    said = {
        "/choices/0/message/reasoning_text": ("reasoning", "Let me see."),
        "/choices/0/message/content": ("assistant", "Hello"),
    }
    assert by_path(response) == said
    assert (response.model, response.usage) == ("claude-sonnet-4.5", Usage(input_tokens=9, output_tokens=3))
    message = {"role": "assistant", "content": "Hello", "reasoning_text": "Let me see."}
    whole = read_response(
        CHAT, {"id": "c1", "choices": [{"finish_reason": "stop", "message": message}], "usage": USAGE}
    )
    assert (by_path(whole), whole.decode_error) == (said, None)

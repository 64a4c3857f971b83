"""Each dialect's own way to carry a conversation along: one trace, each turn after the one before, tools as spans."""

import json
from typing import Any

import pytest

from midwatch_core.model.thread import ToolSpan
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.dialects.gemini.generate_content import GeminiGenerateContent
from midwatch_core.wire.dialects.ollama.chat import OllamaChat
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from tests.core.threads.talks import DURATION_S, STEP_S, Talk, places, traces

TOOL_MS = (STEP_S - DURATION_S) * 1000
CHAIN = [("alone", "first", None), ("chain", "next", 0), ("chain", "next", 1), ("chain", "next", 2)]


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def spans(talk: Talk) -> list[tuple[int, str | None, str, int]]:
    """Number of the call that brought the result, the call's id, the tool, number of the call that called it."""
    numbers = {exchange.id: number for number, exchange in enumerate(talk.said)}
    return [
        (number, span.call_id, span.name, numbers[span.called_by])
        for number, exchange in enumerate(talk.said)
        for span in exchange.tool_spans
    ]


def openai_chat() -> Talk:
    talk = Talk(OpenAIChat())
    history: list[Any] = [{"role": "system", "content": "s"}, {"role": "user", "content": "weather in two places?"}]

    def ask(message: dict[str, Any]) -> None:
        talk.call({"model": "m", "messages": history}, {"choices": [{"index": 0, "message": message}]})
        history.append(message)

    def called(*ids: str) -> dict[str, Any]:
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": id_, "type": "function", "function": {"name": "weather", "arguments": '{"n":  1}'}}
                for id_ in ids
            ],
        }

    ask(called("call_aaaaaaaaaaaa1", "call_aaaaaaaaaaaa2"))
    # Frameworks write arguments anew: the id is what stays.
    for call in history[-1]["tool_calls"]:
        call["function"]["arguments"] = '{"n":1}'
    history[0] = {"role": "system", "content": "s, and the time is 12:01"}
    history.extend({"role": "tool", "tool_call_id": f"call_aaaaaaaaaaaa{n}", "content": "sunny"} for n in (1, 2))
    ask({"role": "assistant", "content": "Sunny, both."})
    history.append({"role": "user", "content": [{"type": "text", "text": "and a third?"}]})
    ask(called("call_aaaaaaaaaaaa3"))
    history.append({"role": "tool", "tool_call_id": "call_aaaaaaaaaaaa3", "content": "rain"})
    ask({"role": "assistant", "content": "Rain."})
    return talk


def anthropic() -> Talk:
    talk = Talk(AnthropicMessages())
    history: list[Any] = []

    def ask(user: list[Any], *blocks: Any, keeps: list[Any] | None = None) -> None:
        sent = [*history, {"role": "user", "content": user}]
        talk.call({"model": "m", "max_tokens": 9, "messages": sent}, {"type": "message", "content": list(blocks)})
        # Reminders go, cache_control moves on, thinking without a signature is left out.
        history.append({"role": "user", "content": keeps if keeps is not None else user})
        history.append({"role": "assistant", "content": [block for block in blocks if block["type"] != "thinking"]})

    hello = {"type": "text", "text": "look at the two files, please"}
    reminder = {"type": "text", "text": "<system-reminder>\nThe list is empty.\n</system-reminder>"}
    cached = {**hello, "cache_control": {"type": "ephemeral"}}

    def used(id_: str, **arguments: Any) -> Any:
        return {"type": "tool_use", "id": id_, "name": "Read", "input": arguments}

    ask(
        [cached, reminder],
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        {"type": "text", "text": "I read both."},
        used("toolu_0123456789a", path="a"),
        used("toolu_0123456789b", path="b"),
        keeps=[hello],
    )
    ask(
        [
            {"type": "tool_result", "tool_use_id": "toolu_0123456789a", "content": "text of a"},
            {"type": "tool_result", "tool_use_id": "toolu_0123456789b", "content": [], "is_error": True},
        ],
        used("toolu_0123456789c"),
        keeps=[
            {"type": "tool_result", "tool_use_id": "toolu_0123456789a", "content": "[Old tool result content cleared]"},
            {"type": "tool_result", "tool_use_id": "toolu_0123456789b", "content": [], "is_error": True},
        ],
    )
    ask(
        [{"type": "tool_result", "tool_use_id": "toolu_0123456789c", "content": "x"}, reminder],
        {"type": "text", "text": "Done, "},
        {"type": "text", "text": "both are fine. \n"},
    )
    history[-1]["content"] = "Done, both are fine."
    ask([{"type": "text", "text": "thanks"}], {"type": "text", "text": "Welcome."})
    return talk


def responses() -> Talk:
    talk = Talk(OpenAIResponses())
    history: list[Any] = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]}]

    def ask(*items: Any) -> None:
        talk.call({"model": "m", "instructions": "i", "input": history}, {"id": "resp_1", "output": list(items)})
        history.extend(items)

    def called(call_id: str) -> Any:
        return {"type": "function_call", "call_id": call_id, "name": "shell", "arguments": '{"cmd":"ls"}', "id": "fc"}

    def text(words: str) -> Any:
        content = [{"type": "output_text", "text": words, "annotations": []}]
        return {"type": "message", "role": "assistant", "content": content, "id": "msg", "status": "completed"}

    reasoning = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]}
    ask(reasoning, text("I look."), called("call_0123456789a"))
    history.remove(reasoning)
    history.append({"type": "function_call_output", "call_id": "call_0123456789a", "output": "a b c"})
    ask(called("call_0123456789b"))
    history.append({"type": "function_call_output", "call_id": "call_0123456789b", "output": "d"})
    ask(text("Four files."))
    history.append({"role": "user", "content": "thank you"})
    ask(text("Welcome."))
    return talk


def gemini() -> Talk:
    talk = Talk(GeminiGenerateContent())
    history: list[Any] = []

    def ask(parts: list[Any], *chunks: list[Any], keeps: list[Any]) -> None:
        history.append({"role": "user", "parts": parts})
        talk.call({"contents": history}, sse(*({"candidates": [{"content": {"parts": list(c)}}]} for c in chunks)))
        history.append({"role": "model", "parts": keeps})

    call = {"functionCall": {"name": "weather", "args": {"place": "Oslo"}}, "thoughtSignature": "abc"}
    ask(
        [{"text": "weather?"}],
        [{"text": "I ", "thought": True}],
        [{"text": "ask."}],
        [call],
        keeps=[{"text": "ask."}, call],
    )
    result = {"functionResponse": {"name": "weather", "response": {"error": "no such place"}}}
    again = {"functionCall": {"name": "weather", "args": {"place": "Bergen"}}}
    ask([result], [again], keeps=[again])
    result = {"functionResponse": {"name": "weather", "response": {"output": "rain"}}}
    ask(
        [result],
        [{"text": "It "}],
        [{"text": "rains in Bergen."}],
        keeps=[{"text": "It "}, {"text": "rains in Bergen."}],
    )
    ask([{"text": "thanks"}], [{"text": "Welcome."}], keeps=[{"text": "Welcome."}])
    return talk


def ollama() -> Talk:
    talk = Talk(OllamaChat())
    history: list[Any] = [{"role": "user", "content": "weather?"}]

    def ask(message: Any) -> None:
        talk.call({"model": "m", "messages": history, "stream": False}, {"message": message, "done": True})
        history.append(message)

    def called(place: str) -> Any:
        function = {"name": "weather", "arguments": {"place": place}}
        return {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}

    ask(called("Oslo"))
    history.append({"role": "tool", "tool_name": "weather", "content": "no such place"})
    ask(called("Bergen"))
    history.append({"role": "tool", "content": "rain"})
    ask({"role": "assistant", "content": "Rain."})
    history.append({"role": "user", "content": "thanks"})
    ask({"role": "assistant", "content": "Welcome."})
    return talk


TALKS = {"openai": openai_chat, "anthropic": anthropic, "responses": responses, "gemini": gemini, "ollama": ollama}
SPANS: dict[str, list[tuple[int, str | None, str, int]]] = {
    "openai": [
        (1, "call_aaaaaaaaaaaa1", "weather", 0),
        (1, "call_aaaaaaaaaaaa2", "weather", 0),
        (3, "call_aaaaaaaaaaaa3", "weather", 2),
    ],
    "anthropic": [
        (1, "toolu_0123456789a", "Read", 0),
        (1, "toolu_0123456789b", "Read", 0),
        (2, "toolu_0123456789c", "Read", 1),
    ],
    "responses": [(1, "call_0123456789a", "shell", 0), (2, "call_0123456789b", "shell", 1)],
    "gemini": [(1, None, "weather", 0), (2, None, "weather", 1)],
    "ollama": [(1, None, "weather", 0), (2, None, "weather", 1)],
}


@pytest.mark.parametrize("dialect", list(TALKS))
def test_a_conversation_is_one_trace_by_what_was_said(dialect: str) -> None:
    talk = TALKS[dialect]()
    assert traces(talk) == [0, 0, 0, 0]
    assert places(talk) == CHAIN


@pytest.mark.parametrize("dialect", list(TALKS))
def test_each_tool_that_ran_is_one_span(dialect: str) -> None:
    talk = TALKS[dialect]()
    assert spans(talk) == SPANS[dialect]
    found: list[ToolSpan] = [span for exchange in talk.said for span in exchange.tool_spans]
    assert {span.duration_ms for span in found} == {TOOL_MS}


def test_a_result_without_its_calls_id_is_known_by_the_tools_name() -> None:
    talk = Talk(GeminiGenerateContent())
    calls: list[Any] = [
        {"functionCall": {"id": f"id-{name}", "name": name, "args": {}}} for name in ("clock", "weather")
    ]
    history: list[Any] = [{"role": "user", "parts": [{"text": "when and what?"}]}]
    talk.call({"contents": history}, {"candidates": [{"content": {"parts": calls}}]})
    results = [{"functionResponse": {"name": name, "response": {"output": 1}}} for name in ("weather", "clock")]
    history += [{"role": "model", "parts": calls}, {"role": "user", "parts": results}]
    talk.call({"contents": history}, {"candidates": [{"content": {"parts": [{"text": "Noon, and rain."}]}}]})
    assert places(talk)[1] == ("chain", "next", 0)
    assert spans(talk) == [(1, "id-weather", "weather", 0), (1, "id-clock", "clock", 0)]


def test_a_result_that_is_brought_twice_counts_once() -> None:
    """Gemini CLI does so when it takes up an older conversation."""
    talk = Talk(GeminiGenerateContent())
    call = {"functionCall": {"id": "06b19297", "name": "clock", "args": {}}}
    result = {"functionResponse": {"id": "06b19297", "name": "clock", "response": {"output": "noon"}}}
    history: list[Any] = [{"role": "user", "parts": [{"text": "when?"}]}]
    for brought, said in (([], call), ([result], {"text": "Noon."})):
        history += [{"role": "user", "parts": brought}] if brought else []
        talk.call({"contents": history}, {"candidates": [{"content": {"parts": [said]}}]})
        history.append({"role": "model", "parts": [said]})
    history[2] = {"role": "user", "parts": [result, result]}
    history.append({"role": "user", "parts": [{"text": "thanks"}]})
    talk.call({"contents": history}, {"candidates": [{"content": {"parts": [{"text": "Welcome."}]}}]})
    assert places(talk)[1:] == [("chain", "next", 0), ("chain", "next", 1)]
    assert spans(talk) == [(1, "06b19297", "clock", 0)]


def test_a_result_that_says_so_is_a_failed_span() -> None:
    assert [span.failed for exchange in anthropic().said for span in exchange.tool_spans] == [False, True, False]
    assert [span.failed for exchange in gemini().said for span in exchange.tool_spans] == [True, False]


def test_the_path_of_a_span_is_where_the_result_stands() -> None:
    (span, _) = anthropic().said[1].tool_spans
    assert span.path == "/messages/2/content/0/content"
    texts = {segment.path: segment.text for segment in anthropic().said[1].request.segments}
    assert texts[span.path] == "text of a"

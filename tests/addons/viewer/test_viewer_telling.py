"""Telling: requests and answers as conversations; long ones are cut, and say so."""

from midwatch.viewer.telling import request_text, response_text
from midwatch_core.model.content import (
    FinishReason,
    Operation,
    ProviderError,
    Request,
    Response,
    ToolCall,
    ToolResult,
)
from midwatch_core.model.exchange import Endpoint
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.usage import Usage

ENDPOINT = Endpoint(provider="openai", dialect="openai.chat", host="api.openai.com", port=443, path="/v1/x")


def said(part: Part, text: str, path: str = "/a") -> Segment:
    return Segment(part=part, path=path, text=text)


def test_a_request_says_who_asks_what_and_with_which_tools() -> None:
    request = Request(
        operation=Operation.CHAT,
        model="gpt-4o",
        stream=True,
        segments=(
            said(Part.SYSTEM, "Be brief.\nBe kind.", "/messages/0/content"),
            said(Part.USER, "Hi", "/messages/1/content"),
            said(Part.TOOL_RESULT, "12 °C", "/messages/3/content/0/text"),
        ),
        tools=("get_weather", "search"),
        parameters={"temperature": 0.2, "stop": ["a"], "service_tier": "flex"},
        tool_results=(ToolResult(call_id="call_1", path="/messages/3/content", name="get_weather", failed=True),),
        previous_response_id="resp_1",
    )
    assert request_text(ENDPOINT, request).splitlines() == [
        "openai · gpt-4o · chat · streamed",
        'parameters: temperature=0.2, stop=["a"], service_tier=flex',
        "tools: get_weather, search",
        "goes on from: resp_1",
        " ",
        "── system  /messages/0/content",
        "  Be brief.",
        "  Be kind.",
        " ",
        "── user  /messages/1/content",
        "  Hi",
        " ",
        "── tool_result get_weather call_1 failed  /messages/3/content/0/text",
        "  12 °C",
    ]


def test_an_answer_says_why_it_ended_and_what_it_used() -> None:
    response = Response(
        model="claude-x",
        segments=(said(Part.REASONING, "Hm."), said(Part.TOOL_CALL, '{"city":"Oslo"}', "/content/1/input")),
        tool_calls=(ToolCall(id="toolu_1", name="get_weather", path="/content/1/input"),),
        finish_reason=FinishReason.TOOL_CALLS,
        raw_finish_reason="tool_use",
        usage=Usage(input_tokens=1234, output_tokens=56, cache_read_tokens=1000, tool_fees={"web_search": 2}),
    )
    assert response_text(response).splitlines() == [
        "claude-x · finish tool_calls (tool_use)",
        "tokens: 1,234 in (1,000 from cache), 56 out, 2 web_search",
        " ",
        "── reasoning  /a",
        "  Hm.",
        " ",
        "── tool_call get_weather toolu_1  /content/1/input",
        '  {"city":"Oslo"}',
    ]


def test_what_went_wrong_is_said() -> None:
    response = Response(error=ProviderError(type="rate_limit", message="later\nplease"), complete=False)
    error = ["error: rate_limit", "  later", "  please"]
    assert response_text(response).splitlines() == [*error, "It broke off before its end."]
    assert response_text(response, in_full=False).splitlines() == error
    assert response_text(Response(error=ProviderError(type=None, message=None))) == "error: ?"
    assert response_text(Response(decode_error="at byte 7")) == "not read in full: at byte 7"


def test_some_words_of_a_stream_take_one_line() -> None:
    words = Response(segments=(said(Part.ASSISTANT, " goes\n"),), complete=False)
    assert response_text(words, in_full=False) == "assistant …  goes␊"


def test_a_text_cannot_pass_for_a_heading() -> None:
    request = Request(operation=Operation.CHAT, segments=(said(Part.USER, "Hi\n── system  /messages/0/content"),))
    assert [line for line in request_text(ENDPOINT, request).splitlines() if line.startswith("──")] == ["── user  /a"]


def test_long_lines_are_broken_between_words_and_none_is_lost() -> None:
    text = " ".join(f"word{number}" for number in range(200)) + " " + "x" * 500
    request = Request(operation=Operation.CHAT, segments=(said(Part.USER, text),))
    lines = [line[2:] for line in request_text(ENDPOINT, request).splitlines() if line.startswith("  ")]
    assert "".join(lines) == text
    assert max(map(len, lines)) <= 117


def test_a_huge_conversation_is_cut_and_says_what_is_left_out() -> None:
    texts = [said(Part.USER, "x" * 100_000), *(said(Part.USER, "y" * 60_000) for _ in range(100))]
    told = request_text(ENDPOINT, Request(operation=Operation.CHAT, segments=tuple(texts)))
    assert len(told) < 1_100_000
    assert "34,464 more characters" in told
    assert told.endswith("… 84 more texts")
    many = request_text(ENDPOINT, Request(operation=Operation.CHAT, segments=(said(Part.USER, ""),) * 10_000))
    assert many.endswith("… 6,000 more texts")


def test_a_huge_number_of_tools_is_counted() -> None:
    told = request_text(ENDPOINT, Request(operation=Operation.CHAT, tools=tuple(f"t{n}" for n in range(500))))
    assert told.splitlines()[1].endswith("t199, … 300 more")

"""Calls told in plain words: texts at their places in bodies made for them, which everything else can show."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.frame import FrameDecoder, encode
from midwatch_core.har import har_entry
from midwatch_core.intake import IntakeError, PlainCall, PlainText, Whose
from midwatch_core.model.content import FinishReason, Operation, ToolCall, ToolResult
from midwatch_core.model.cost import Cost
from midwatch_core.model.segment import Part
from midwatch_core.model.thread import LinkedBy, ToolSpan, Turn
from midwatch_core.model.timing import Timing
from midwatch_core.model.usage import Usage
from midwatch_core.threads import Threader
from tests.core.telling.sending import NOW, texts, told

ASKED = (
    PlainText(part=Part.SYSTEM, text="You are brief."),
    PlainText(part=Part.USER, text="Weather in Lisbon?"),
    PlainText(part=Part.REASONING, text="I look."),
    PlainText(part=Part.ASSISTANT, text="One moment."),
    PlainText(part=Part.TOOL_CALL, text='{"city":"Lisbon"}', name="weather", call_id="call_1"),
    PlainText(part=Part.TOOL_RESULT, text="rain", name="weather", call_id="call_1"),
)


def plain(**changes: Any) -> PlainCall:
    answer = (PlainText(part=Part.ASSISTANT, text="Take an umbrella."),)
    return PlainCall(**{"provider": "openai", "model": "gpt-5-mini", "asked": ASKED, "answer": answer, **changes})


def test_texts_stand_where_most_people_look_for_them() -> None:
    call = told(plain(finish_reason=FinishReason.STOP))
    assert texts(call.request) == {
        "/messages/0/content": "You are brief.",
        "/messages/1/content": "Weather in Lisbon?",
        "/messages/2/reasoning_details/0/text": "I look.",
        "/messages/2/content/0/text": "One moment.",
        "/messages/2/tool_calls/0/function/arguments": '{"city":"Lisbon"}',
        "/messages/3/content": "rain",
    }
    assert call.request.tool_results == (ToolResult(call_id="call_1", name="weather", path="/messages/3/content"),)
    assert call.response is not None
    assert texts(call.response) == {"/choices/0/message/content/0/text": "Take an umbrella."}
    assert (call.endpoint.dialect, call.endpoint.provider, call.status) == ("plain", "openai", 200)


def test_the_bodies_are_rebuilt_whole() -> None:
    entry: Any = har_entry(told(plain(parameters={"temperature": 0.2}, tools=["weather"])), {})
    body = orjson.loads(entry["request"]["postData"]["text"])
    assert (body["model"], body["temperature"]) == ("gpt-5-mini", 0.2)
    assert body["messages"][2]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Lisbon"}'}}
    ]
    assert body["tools"] == [{"type": "function", "function": {"name": "weather"}}]
    assert entry["request"]["url"] == "https://untold.invalid/"
    answer = orjson.loads(entry["response"]["content"]["text"])
    assert answer["choices"][0]["message"]["content"] == [{"type": "text", "text": "Take an umbrella."}]


def test_a_tool_that_the_answer_calls_is_told() -> None:
    call = told(plain(answer=(PlainText(part=Part.TOOL_CALL, text="{}", name="weather", call_id="call_2"),)))
    assert call.response is not None
    assert call.response.tool_calls == (
        ToolCall(id="call_2", name="weather", path="/choices/0/message/tool_calls/0/function/arguments"),
    )


def test_settings_take_no_text_s_place() -> None:
    call = told(plain(parameters={"messages": "x", "tools": 3, "top_p": 1}, tools=["weather"]))
    assert call.request.parameters == {"top_p": 1}
    assert len(texts(call.request)) == len(ASKED)


def test_definitions_documents_and_inputs_stand_in_lists_of_their_own() -> None:
    definition = '{"type":"function","function":{"name":"weather"}}'
    asked = [PlainText(part=part, text=definition) for part in (Part.TOOL_DEFINITION, Part.DOCUMENT, Part.DOCUMENT)]
    call = told(plain(asked=asked, operation=Operation.EMBEDDINGS, answer=()))
    assert list(texts(call.request)) == ["/tools/0", "/documents/0", "/documents/1"]
    assert call.response is not None
    assert call.response.segments == ()


def test_a_sender_s_cost_is_kept_and_without_one_there_is_none_yet() -> None:
    assert told(plain()).cost is None
    assert told(plain(cost_usd=Decimal("0.0420"))).cost == Cost(amount=Decimal("0.042"), source="told by its sender")
    assert told(plain(cost_usd=Decimal("100"))).cost == Cost(amount=Decimal(100), source="told by its sender")


def test_an_error_is_the_provider_s_with_a_status_and_else_of_the_way() -> None:
    refused = told(plain(answer=None, status=429, error="Slow down"))
    assert refused.response is not None
    assert refused.response.error is not None
    assert (refused.error, refused.response.error.message) == (None, "Slow down")
    lost = told(plain(answer=None, status=None, error="timed out"))
    assert (lost.response, lost.status, lost.error) == (None, None, "timed out")
    cut = told(plain(error="client disconnected"))
    assert cut.response is not None
    assert not cut.response.complete


def test_a_conversation_that_is_told_is_threaded() -> None:
    first = told(plain(asked=ASKED[:2], answer=ASKED[2:5], started_at=NOW - timedelta(minutes=2)))
    second = told(plain(started_at=NOW - timedelta(minutes=1)))
    threader = Threader()
    begun, next_ = threader.thread(first), threader.thread(second)
    assert begun.thread is not None
    assert next_.thread is not None
    assert (next_.trace_id, next_.thread.turn, next_.thread.linked_by) == (begun.trace_id, Turn.NEXT, LinkedBy.CHAIN)
    assert [(span.call_id, span.name, span.called_by) for span in next_.tool_spans] == [("call_1", "weather", begun.id)]


def test_a_tool_s_run_that_is_told_is_better_known_than_what_lies_between_two_calls() -> None:
    first = told(plain(asked=ASKED[:2], answer=ASKED[2:5], started_at=NOW - timedelta(minutes=2)))
    at = NOW - timedelta(seconds=90)
    seen = ToolSpan(
        call_id="call_1", name="weather", called_by=first.id, started_at=at, ended_at=at, path="/messages/3/content"
    )
    threader = Threader()
    threader.thread(first)
    assert threader.thread(told(plain(tool_spans=(seen,)))).tool_spans == (seen,)


def test_names_are_cut_and_cleaned_as_everybody_s_are() -> None:
    call = told(plain(model="m" * 500, whose=Whose(app="a\nb\x00" + "c" * 500, session="s\ts")))
    assert call.request.model == "m" * 200
    assert call.identity.app == "ab" + "c" * 198
    assert call.session is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"provider": ""}, "provider"),
        ({"provider": "\n"}, "provider"),
        ({"status": 7}, "status"),
        ({"timing": Timing(ttft_ms=float("nan"))}, "ttft_ms"),
        ({"timing": Timing(duration_ms=-1.0)}, "duration_ms"),
        ({"usage": Usage(input_tokens=-1)}, "usage.input_tokens"),
        ({"usage": Usage(output_tokens=10**18)}, "usage.output_tokens"),
        ({"usage": Usage(tool_fees={"web_search": -2})}, "usage.tool_fees.web_search"),
        ({"usage": Usage(tool_fees={str(number): 1 for number in range(101)})}, "usage.tool_fees"),
        ({"cost_usd": Decimal("NaN")}, "cost_usd"),
        ({"cost_usd": Decimal("-0.1")}, "cost_usd"),
        ({"cost_usd": Decimal("1e99")}, "cost_usd"),
        ({"started_at": NOW + timedelta(days=2)}, "started_at"),
        ({"started_at": datetime(1970, 1, 1, tzinfo=UTC)}, "started_at"),
        ({"whose": Whose(key="k")}, "started_at"),
        ({"whose": Whose(tenant="nobody")}, "tenant"),
        ({"tools": ["t"] * 2001}, "tools"),
        ({"asked": [PlainText(part=Part.USER, text="x")] * 20_001}, "texts"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_t_be_taken_is_refused_by_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(IntakeError, match=rf"^{field}: ") as refused:
        told(plain(**changes))
    assert refused.value.index == 0


def test_a_moment_without_an_offset_is_utc() -> None:
    assert told(plain(started_at=datetime(2026, 11, 1, 12))).started_at == datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_no_fraction_of_a_cent_is_finer_than_can_be_summed() -> None:
    cost = told(plain(cost_usd=Decimal("0.1234567890123456789"))).cost
    assert cost is not None
    assert cost.amount == Decimal("0.123456789012")


ANY_TEXT = st.builds(
    PlainText,
    part=st.sampled_from(Part),
    text=st.text(max_size=30),
    name=st.none() | st.text(max_size=5),
    call_id=st.none() | st.text(max_size=5),
)
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    asked=st.lists(ANY_TEXT, max_size=8),
    answer=st.none() | st.lists(ANY_TEXT, max_size=5),
    settings=st.dictionaries(st.text(max_size=8), JSON, max_size=4),
)
def test_whatever_is_told_every_text_comes_back_from_its_frame(
    asked: list[PlainText], answer: list[PlainText] | None, settings: dict[str, Any]
) -> None:
    call = told(plain(asked=asked, answer=answer, parameters=settings))
    kept = FrameDecoder().decode(encode(call))
    plain_words = [item.text.encode("utf-8", "replace").decode() for item in asked]
    assert [segment.text for segment in kept.request.segments] == plain_words
    paths = [segment.path for segment in (*call.request.segments, *(call.response.segments if call.response else ()))]
    assert len(set(paths[: len(asked)])) == len(asked)
    har_entry(kept, {})

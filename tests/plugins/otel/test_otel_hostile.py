"""Attributes of any shape and size make calls, or none: nothing raises, nothing grows without bound."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_otel.ingest.joining import joined
from midwatch_otel.ingest.names import ALIASES, PARAMETERS, Bag, Meaning
from midwatch_otel.ingest.spans import ToldEvent, ToldSpan
from midwatch_otel.ingest.tree import spread_list

NAMES = sorted(
    {name for names in (*ALIASES.values(), *PARAMETERS.values()) for name in names}
    | {"gen_ai.prompt", "gen_ai.prompt.0.content", "gen_ai.completion.0.tool_calls.0", "llm.input_messages.0"}
    | {"llm.input_messages.0.message.contents.0.message_content.type", "llm.tools.0.tool.json_schema", "input.value"}
)
TEXTS = st.text(max_size=12) | st.sampled_from(
    ["[", "{}", "[]", '[{"role": 1}]', '{"content": [1, {"type": "text"}]}', "[" * 2000, '{"type":"tool_call"}', "LLM"]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["role", "parts", "content", "type", "text", "tool_calls", "function", "name", "arguments", "message"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)
EVENTS = st.lists(
    st.builds(
        ToldEvent,
        name=st.sampled_from(["gen_ai.choice", "gen_ai.user.message", "gen_ai.client.inference.operation.details"]),
        at_ns=st.integers(0, 2**64 - 1),
        attributes=ATTRIBUTES | st.dictionaries(st.sampled_from(["content", "message", "tool_calls", "id"]), VALUES),
    ),
    max_size=3,
)
SPANS = st.builds(
    ToldSpan,
    trace_id=st.just("1" * 32),
    span_id=st.text("0123456789abcdef", min_size=16, max_size=16),
    name=st.text(max_size=5),
    start_ns=st.integers(0, 2**64 - 1),
    end_ns=st.integers(0, 2**64 - 1),
    attributes=ATTRIBUTES,
    events=EVENTS.map(tuple),
    failed=st.booleans(),
    status_message=st.text(max_size=5),
    resource=ATTRIBUTES,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(SPANS, max_size=2))
def test_any_spans_make_calls_or_none(spans: list[ToldSpan]) -> None:
    found = joined(spans)
    assert len(found.calls) + found.tools + found.lonely_tools + found.passed_over == len(spans)
    for call in found.calls:
        assert all(isinstance(text.text, str) and text.text for text in (*call.asked, *(call.answer or ())))
        assert all(len(name or "") <= 200 for name in (call.model, call.provider, call.host, call.whose.app))
        assert call.usage is None or all((count or 0) >= 0 for count in (call.usage.input_tokens,))


def test_an_index_of_a_billion_makes_no_list_of_a_billion() -> None:
    told: dict[str, Any] = {
        "a.999999.b": 1,
        "a.0.b": 2,
        "a.99999999999999999999.b": 3,
        "a.name": 4,
        "a." + "x." * 99: 5,
    }
    assert spread_list(told, "a") == [{"b": 2}, {"b": 1}]


def test_a_name_that_is_a_value_and_a_branch_is_the_value() -> None:
    assert spread_list({"a.0": "one", "a.0.b": "two"}, "a") == ["one"]
    assert spread_list({"a.0.b": "two", "a.0": "one"}, "a") == [{"b": "two"}]


def test_more_texts_than_any_call_has_are_left_out() -> None:
    messages: list[Any] = [{"role": "user", "content": str(number)} for number in range(5000)]
    span = ToldSpan(
        trace_id="1" * 32,
        span_id="2" * 16,
        attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages": messages},
    )
    assert len(joined([span]).calls[0].asked) == 2000


def test_a_bag_answers_in_the_type_asked_for_or_not_at_all() -> None:
    bag = Bag({"gen_ai.request.model": 5, "gen_ai.usage.input_tokens": float("nan"), "gen_ai.request.stream": "true"})
    assert (bag.text(Meaning.REQUEST_MODEL), bag.whole(Meaning.INPUT_TOKENS), bag.flag(Meaning.STREAM)) == (
        None,
        None,
        False,
    )

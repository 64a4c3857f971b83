from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.simulated import Ledger, Script, ScriptError
from midwatch.simulated.script import parse_script
from midwatch.simulated.turn import Prompt, Tool, compose
from midwatch.simulated.wording import example_of, fit, pieces, reply_tokens, volume


def test_a_header_changes_what_it_names() -> None:
    base = Script(tokens=5, gap_ms=2)
    script = parse_script("tokens=7, echo=1,answer=a%2Cb%20c", base)
    assert script == Script(tokens=7, gap_ms=2, echo=True, answer="a,b c")


@pytest.mark.parametrize(
    "header",
    ["x=1", "tokens=a", "encoding=lzma", "framing=odd", "events_per_write=0", "status=99", "split=-1", "arguments=1"],
)
def test_wrong_headers(header: str) -> None:
    with pytest.raises(ScriptError, match="x-sim"):
        parse_script(header, Script())


def test_dictated_arguments_call_the_first_tool() -> None:
    script = parse_script("arguments=%7B%22a%22%3A1%7D", Script())
    prompt = Prompt(model="m", text="no word of a tool", input_tokens=1, tools=(Tool(name="one"), Tool(name="two")))
    (call,) = compose(prompt, script).calls
    assert (call.name, call.arguments, call.json) == ("one", {"a": 1}, '{"a":1}')
    assert compose(replace(prompt, tools=()), script).calls == ()


@given(st.text())
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(st.text(), st.integers(0, 300))
def test_answers_have_the_length_asked_for(text: str, count: int) -> None:
    tokens = reply_tokens(text, count)
    assert len(tokens) == count or not text
    assert len(fit(("a",), count)) == count


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_volume_and_examples_take_any_json(value: object) -> None:
    assert volume(value) >= 0
    example_of(value, "some text")


def test_the_ledger_is_bounded_and_its_counts_are_not() -> None:
    ledger = Ledger(limit=10, body_limit=4)
    for number in range(25):
        ledger.note(
            http_version="HTTP/1.1",
            method="POST",
            host="h",
            target="/",
            headers=(),
            body=b"x" * (number % 8),
            id="same",
        )
    assert len(ledger.items) <= 10
    assert ledger.items[-1].serial == ledger.total == ledger.counts["same"] == 25
    assert {len(item.body) for item in ledger.items} <= set(range(5))
    assert {item.length for item in ledger.items if not item.body} & {5, 6, 7}

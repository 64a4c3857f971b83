"""One text of a stream: restored, inspected before it goes out, held no longer than it must be, ended in time."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import Detection, Severity, hookimpl
from midwatch_core.enforcement.streaming import AnswerFilter, RefusedStream
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.model.stream import StreamEvent
from midwatch_core.sealing import Sealer
from midwatch_core.testing.factories import make_exchange, make_response
from tests.core.enforcement.calls import MAIL, MAILS, REDACT, Broken, Guarded, chat, guarded

PATH = "/choices/0/message/content"
CUT = "{id: cut, when: {category: prompt_injection, direction: response}, then: cut}"
BLOCK_TOOLS = "{id: tools, when: {category: prompt_injection, part: tool_call, direction: response}, then: block}"
FLAG = "{id: all, then: flag}"
STRICT_ELSEWHERE = "{id: else, when: {category: other, direction: response}, then: cut}"


def text_filter(call: Guarded, part: Part = Part.ASSISTANT, *, json: bool = False) -> AnswerFilter:
    return call.guard.answer_filter(PATH, part, json)


def through(made: AnswerFilter, deltas: Sequence[str]) -> list[str]:
    return [made.feed(delta) for delta in deltas] + [made.close()]


def recorded(call: Guarded, said: str) -> Exchange:
    sealer = Sealer(b"key", "default")
    response = make_response(said)
    segments = sealer.segments([Segment(part=Part.ASSISTANT, path=PATH, text=said)])
    return call.guard.on(make_exchange(request=call.exchange.request, response=response_of(response, segments)))


def response_of(response: object, segments: tuple[Segment, ...]) -> object:
    from dataclasses import replace

    return replace(response, segments=segments)  # type: ignore[type-var]


def test_nothing_is_held_where_a_line_only_cuts() -> None:
    made = text_filter(guarded(chat("Hi"), CUT))
    assert through(made, ["Hello ", "wor", "ld"]) == ["Hello ", "wor", "ld", ""]


def test_the_piece_that_completes_a_match_does_not_go_out() -> None:
    made = text_filter(guarded(chat("Hi"), CUT))
    sent = [made.feed("word " * 25), made.feed("an att")]
    with pytest.raises(RefusedStream) as caught:
        made.feed("ack " + "and more " * 20)
    assert "".join(sent) == "word " * 25 + "an att"
    assert caught.value.refusal.code == "blocked_by_policy"


def test_a_short_answer_is_looked_at_as_it_comes() -> None:
    made = text_filter(guarded(chat("Hi"), CUT))
    with pytest.raises(RefusedStream):
        made.feed("an attack")


def test_each_piece_of_a_tool_s_arguments_is_looked_at() -> None:
    made = text_filter(guarded(chat("Hi"), CUT), Part.TOOL_CALL, json=True)
    assert made.feed('{"cmd":"att') == '{"cmd":"att'
    with pytest.raises(RefusedStream):
        made.feed("ack")


def test_arguments_wait_whole_where_a_line_may_block_them() -> None:
    made = text_filter(guarded(chat("Hi"), BLOCK_TOOLS), Part.TOOL_CALL, json=True)
    assert through(made, ['{"a":', '"fine"}']) == ["", "", '{"a":"fine"}']
    made = text_filter(guarded(chat("Hi"), BLOCK_TOOLS), Part.TOOL_CALL, json=True)
    assert made.feed('{"a":"attack"}') == ""
    with pytest.raises(RefusedStream):
        made.close()


def test_other_texts_do_not_wait_for_a_line_about_tools() -> None:
    assert text_filter(guarded(chat("Hi"), BLOCK_TOOLS)).feed("Hello") == "Hello"


def test_a_value_is_hidden_before_any_of_it_goes_out() -> None:
    call = guarded(chat("Hi"), REDACT)
    made = text_filter(call)
    out = through(made, ["Ask b", "ob@exam", "ple.org", " now"])
    (name,) = call.guard.placeholders
    assert "".join(out) == f"Ask {name} now"
    assert out[0] == "Ask "
    kept = recorded(call, "".join(out))
    assert MAIL not in repr(kept)
    (finding,) = kept.findings
    assert kept.response is not None
    assert kept.response.segments[0].text[finding.start : finding.end] == name


@given(st.lists(st.integers(0, 60), max_size=12))
def test_any_split_hides_the_same(cuts: list[int]) -> None:
    text = f"Ask {MAIL} or eve@example.org, not <EMAIL_zzzz>. Thank you."
    edges = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    call = guarded(chat("Hi"), REDACT)
    out = "".join(through(text_filter(call), [text[a:b] for a, b in itertools.pairwise(edges)]))
    names = {value: name for name, value in call.guard.placeholders.items()}
    assert out == text.replace(MAIL, names[MAIL]).replace("eve@example.org", names["eve@example.org"])


async def test_a_client_s_own_value_comes_back_and_is_not_hidden_again() -> None:
    call = guarded(chat(f"I am {MAIL}"), REDACT)
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    made = text_filter(call)
    out = through(made, ["Hello ", name[:4], name[4:], " and eve@example.org "])
    other = next(key for key in call.guard.placeholders if key != name)
    assert "".join(out) == f"Hello {MAIL} and {other} "
    assert MAIL not in repr(recorded(call, "".join(out)))


async def test_values_are_restored_where_no_line_looks_at_answers() -> None:
    call = guarded(chat(f"I am {MAIL}"), "{id: m, when: {category: pii, direction: request}, then: redact}")
    await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    assert "".join(through(text_filter(call), [f"Hello {name[:3]}", f"{name[3:]}!"])) == f"Hello {MAIL}!"


def test_a_whole_text_that_repeats_what_was_sent_is_edited_alike_and_told_once() -> None:
    call = guarded(chat("Hi"), REDACT)
    made = text_filter(call)
    sent = "".join(through(made, [f"Ask {MAIL} now"]))
    assert made.whole(f"Ask {MAIL} now") == sent
    assert len(recorded(call, sent).findings) == 1


def test_a_whole_text_that_comes_in_no_pieces_is_looked_at() -> None:
    made = text_filter(guarded(chat("Hi"), BLOCK_TOOLS), Part.TOOL_CALL)
    with pytest.raises(RefusedStream):
        made.whole('{"a":"attack"}')


@pytest.mark.parametrize(("on_failure", "ended"), [("pass", False), ("block", True)])
def test_a_detector_that_fails(on_failure: str, ended: bool) -> None:
    line = f"{{id: cut, when: {{direction: response}}, then: cut, on_failure: {on_failure}}}"
    call = guarded(chat("Hi"), line, detectors=(MAILS, Broken()))
    made = text_filter(call)
    if ended:
        with pytest.raises(RefusedStream) as caught:
            through(made, ["Hello"])
        assert caught.value.refusal.code == "inspection_failed"
    else:
        assert "".join(through(made, ["Hello"])) == "Hello"
    assert any("d1" in (verdict.reason or "") for verdict in recorded(call, "").verdicts)


class Deltas:
    """Looks at each piece."""

    @hookimpl
    def inspect_delta(self, event: StreamEvent, exchange: Exchange) -> list[Detection]:
        at = event.text.find("rm -rf")
        if at < 0:
            return []
        return [
            Detection(
                rule="t/rm",
                category="prompt_injection",
                severity=Severity.HIGH,
                confidence=1.0,
                message="m",
                start=at,
                end=at + 6,
            )
        ]


def test_plugins_that_look_at_pieces_are_heard() -> None:
    made = text_filter(guarded(chat("Hi"), CUT, detectors=(Deltas(),)))
    assert made.feed("first ") == "first "
    with pytest.raises(RefusedStream):
        made.feed("then rm -rf /")


class Recites:
    """Sees an answer that says what the system said."""

    @hookimpl
    def inspect_exchange(self, exchange: Exchange) -> list[Finding]:
        texts = exchange.response.segments if exchange.response is not None else ()
        if not any("the secret sauce is mustard" in item.text for item in texts):
            return []
        return [
            Finding(
                id="",
                rule="t/leak",
                category="prompt_injection",
                severity=Severity.HIGH,
                confidence=1.0,
                message="m",
                path=PATH,
                start=0,
                end=3,
                direction=Direction.RESPONSE,
            )
        ]


def test_detectors_of_whole_calls_see_the_answer_so_far() -> None:
    made = text_filter(guarded(chat("Hi"), CUT, detectors=(Recites(),)))
    made.feed("word " * 100)
    with pytest.raises(RefusedStream):
        made.feed("the secret sauce is mustard")
    made = text_filter(guarded(chat("Hi"), CUT, detectors=(Recites(),)))
    made.feed("the secret sauce is mustard")
    with pytest.raises(RefusedStream):
        made.close()


def test_what_is_only_recorded_is_recorded_at_its_place_in_the_whole() -> None:
    call = guarded(chat("Hi"), STRICT_ELSEWHERE, FLAG)
    out = "".join(through(text_filter(call), ["word " * 60, "an attack", " and ", "word " * 60]))
    kept = recorded(call, out)
    spans = {(finding.start, finding.end) for finding in kept.findings}
    assert spans == {(303, 309)}
    assert kept.action is Action.FLAG


def test_findings_are_findings() -> None:
    call = guarded(chat("Hi"), STRICT_ELSEWHERE, FLAG)
    through(text_filter(call), ["an attack "])
    (finding,) = recorded(call, "an attack ").findings
    assert isinstance(finding, Finding)
    assert (finding.plugin, finding.part, finding.path) == ("d1", Part.ASSISTANT, PATH)

"""Models that a call does not wait for: what they say later ends it, is flagged, or is left to control."""

import asyncio

import pytest

from midwatch_core.enforcement import CallGuard, Enforcer
from midwatch_core.model.finding import Action
from midwatch_core.model.segment import Direction
from midwatch_core.wire.dialect import Refusal
from tests.core.enforcement.calls import ATTACKS, MAILS, Guarded, answer, chat, enforcer, guarded
from tests.core.models import Thinks, Weighs

BLOCK = "{id: stop, when: {category: prompt_injection}, then: block}"
CUT = "{id: stop, when: {direction: request, category: prompt_injection}, then: cut}"
FLAG = "{id: rest, then: flag}"
REDACT = "{id: people, when: {direction: request, category: pii}, then: redact}"
SURE = "{id: sure, when: {direction: request, confidence_at_least: 0.95}, then: block}"


async def asked(*lines: str, detectors: tuple[object, ...], text: str = "an evil word") -> Guarded:
    """A call whose request has gone out."""
    call = guarded(chat(text), *lines, detectors=detectors)
    assert (await call.guard.request(call.body)).refusal is None
    return call


async def heard(model: Thinks, guard: CallGuard) -> Refusal | None:
    """What the guard says, once the model has said what it says."""
    assert guard.overdue() is None
    model.may.set()
    for _ in range(20):  # turns of the loop: a task, its guard, its timeout
        await asyncio.sleep(0)
    return guard.overdue()


@pytest.mark.parametrize(("line", "action"), [(BLOCK, Action.BLOCK), (CUT, Action.CUT)], ids=["block", "cut"])
async def test_a_later_finding_ends_the_call(line: str, action: Action) -> None:
    model = Thinks()
    call = await asked(line, detectors=(model,))
    assert call.guard.edits_answers
    refusal = await heard(model, call.guard)
    assert refusal is not None
    assert ("line stop" in refusal.message, refusal.request_id) == (True, call.exchange.id)
    assert call.guard.overdue() == refusal
    assert call.guard.edits_answers
    recorded = call.recorded()
    (verdict,), (finding,) = recorded.verdicts, recorded.findings
    assert (verdict.action, verdict.findings, verdict.reason) == (action, (finding.id,), None)
    assert recorded.classified == (Direction.REQUEST,)


async def test_an_answer_that_was_held_is_refused() -> None:
    model = Thinks()
    call = await asked(CUT, detectors=(model,))
    assert (await call.guard.whole(answer("Paris."), 200)).refusal is None
    assert await heard(model, call.guard) is not None
    ruled = await call.guard.whole(answer("Paris."), 200)
    assert ruled.refusal is not None


async def test_models_that_find_nothing_leave_the_answer_alone() -> None:
    model = Thinks()
    call = await asked(CUT, detectors=(model,), text="a word")
    assert call.guard.edits_answers
    assert await heard(model, call.guard) is None
    assert not call.guard.edits_answers
    recorded = call.recorded()
    assert (recorded.verdicts, recorded.findings, recorded.classified) == ((), (), (Direction.REQUEST,))


async def test_an_answer_is_not_touched_where_no_line_could_end_the_call() -> None:
    call = await asked(REDACT, FLAG, detectors=(Thinks(),))
    assert not call.guard.edits_answers


async def test_an_answer_is_not_touched_where_nobody_classifies() -> None:
    call = await asked(CUT, detectors=(MAILS,))
    assert not call.guard.edits_answers


async def test_what_was_known_before_is_acted_on_at_once() -> None:
    model = Thinks(ready=True)
    under = enforcer(CUT, detectors=(model,))
    first = guarded(chat("an evil word"), under=under)
    await first.guard.request(first.body)
    await heard(model, first.guard)
    again = guarded(chat("an evil word"), under=under)
    assert (await again.guard.request(again.body)).refusal is not None
    assert model.asked == ["an evil word"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [((FLAG,), None), ((CUT,), "cut: seen too late"), ((BLOCK,), "block: seen too late")],
    ids=["flag", "cut", "block"],
)
async def test_what_comes_before_the_record_is_in_it(lines: tuple[str, ...], reason: str | None) -> None:
    """Nobody asked between that and the end of the call: it is too late to be acted on."""
    model = Thinks()
    call = await asked(*lines, "{id: mails, when: {category: pii}, then: redact}", detectors=(model,))
    model.may.set()
    for _ in range(20):
        await asyncio.sleep(0)
    recorded = call.recorded()
    assert [(item.action, item.reason) for item in recorded.verdicts] == [(Action.FLAG, reason)]
    assert [item.rule for item in recorded.findings] == ["ml/prompt_injection"]
    assert recorded.classified == (Direction.REQUEST,)


async def test_a_value_that_is_seen_too_late_is_flagged_and_masked_in_the_record() -> None:
    model = Thinks(word="Jane Roe", category="pii", kind="PERSON")
    call = await asked(REDACT, detectors=(model,), text="I am Jane Roe")
    assert await heard(model, call.guard) is None
    recorded = call.recorded()
    assert [(item.action, item.reason) for item in recorded.verdicts] == [(Action.FLAG, "redact: seen too late")]
    assert "Jane Roe" not in repr(recorded)


async def test_what_has_not_come_is_left_to_control() -> None:
    call = await asked(CUT, detectors=(Thinks(),))
    recorded = call.recorded()
    assert (recorded.findings, recorded.classified, recorded.inspected) == ((), (), (Direction.REQUEST,))


async def test_a_model_that_fails_later_is_left_to_control_too() -> None:
    model = Thinks()
    model.fails = RuntimeError("no")
    call = await asked(CUT, detectors=(model,))
    assert await heard(model, call.guard) is None
    recorded = call.recorded()
    assert (recorded.verdicts, recorded.classified) == ((), ())


async def test_what_an_ensemble_held_for_little_may_end_the_call_with_the_votes() -> None:
    model = Thinks()
    call = await asked(SURE, FLAG, detectors=(ATTACKS, Weighs(), model), text="an attack, evil")
    before = {item.rule: (item.id, item.confidence) for item in call.guard.record.findings}
    assert before["t/prompt_injection"][1] == 0.9
    refusal = await heard(model, call.guard)
    assert refusal is not None
    recorded = call.recorded()
    after = {item.rule: (item.id, item.confidence) for item in recorded.findings}
    assert after["t/prompt_injection"] == (before["t/prompt_injection"][0], 1.0)
    assert after["all/injection"] == (before["all/injection"][0], 0.9)
    assert len(recorded.findings) == 3
    assert recorded.action is Action.BLOCK


async def test_what_was_decided_before_is_decided_once() -> None:
    """The flag of the rule's finding stands, and is not given again with the model's."""
    model = Thinks()
    call = await asked(CUT.replace("prompt_injection", "x"), FLAG, detectors=(ATTACKS, model), text="an attack, evil")
    assert await heard(model, call.guard) is None
    recorded = call.recorded()
    (verdict,) = recorded.verdicts
    assert len(verdict.findings) == len(set(verdict.findings)) == 2


async def test_a_line_on_trial_hears_of_it_too() -> None:
    model = Thinks()
    call = await asked(BLOCK.replace("then: block", "then: block, dry_run: true"), REDACT, FLAG, detectors=(model,))
    assert await heard(model, call.guard) is None
    assert [(item.action, item.dry_run) for item in call.recorded().verdicts] == [
        (Action.FLAG, False),
        (Action.BLOCK, True),
    ]


async def test_calls_share_what_is_under_way() -> None:
    model = Thinks()
    under: Enforcer = enforcer(CUT, detectors=(model,))
    calls = [guarded(chat("an evil word"), under=under) for _ in range(3)]
    for call in calls:
        await call.guard.request(call.body)
    assert await heard(model, calls[0].guard) is not None
    assert all(call.guard.overdue() for call in calls)
    assert model.asked == ["an evil word"]


async def test_a_model_that_speaks_is_heard_though_another_never_does() -> None:
    model = Thinks()
    call = await asked(CUT, FLAG, detectors=(model, Thinks(word="other")))
    assert await heard(model, call.guard) is not None
    assert call.recorded().classified == ()


async def test_what_comes_bit_by_bit_is_decided_on_once() -> None:
    first, second = Thinks(), Thinks(word="word")
    call = await asked(FLAG, BLOCK.replace("prompt_injection", "x"), REDACT, detectors=(first, second))
    for model in (first, second):
        assert await heard(model, call.guard) is None
    assert await heard(second, call.guard) is None
    recorded = call.recorded()
    (verdict,) = recorded.verdicts
    assert [item.id for item in recorded.findings] == list(verdict.findings)
    assert len(verdict.findings) == 2
    assert recorded.classified == (Direction.REQUEST,)

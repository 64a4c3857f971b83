"""Lines that wait for models: for so long, for texts that they are about, and what they do when nothing comes."""

import asyncio
from typing import Any

import pytest

from midwatch_core.model.finding import Action
from midwatch_core.model.segment import Direction
from tests.core.enforcement.calls import CHAT, MAILS, SEALER, Broken, Guarded, answer, chat, enforcer, guarded
from tests.core.models import BUSY, Thinks, Weighs

WAIT = "models: inline, deadline_ms: 20000"
SOON = "models: inline, deadline_ms: 5"


def line(*more: str, when: str = "category: prompt_injection", then: str = "block") -> str:
    return f"{{{', '.join(('id: stop', f'when: {{{when}}}', f'then: {then}', *more))}}}"


def reasons(call: Guarded) -> list[str]:
    return [item.reason for item in call.recorded().verdicts if item.reason]


async def test_a_request_waits_for_what_models_say() -> None:
    call = guarded(chat("an evil word"), line(WAIT), detectors=(Thinks(ready=True),))
    ruled = await call.guard.request(call.body)
    assert ruled.refusal is not None
    assert (ruled.refusal.code, "ml/prompt_injection" in ruled.refusal.message) == ("blocked_by_policy", True)
    recorded = call.recorded()
    assert recorded.action is Action.BLOCK
    assert (recorded.inspected, recorded.classified) == ((Direction.REQUEST,), (Direction.REQUEST,))


async def test_what_a_model_finds_in_time_is_redacted() -> None:
    model = Thinks(word="Jane Roe", category="pii", kind="PERSON", ready=True)
    call = guarded(chat("I am Jane Roe"), line(WAIT, when="category: pii", then="redact"), detectors=(model,))
    ruled = await call.guard.request(call.body)
    (name,) = call.guard.placeholders
    assert ruled.edited
    assert name.encode() in ruled.body
    assert b"Jane Roe" not in ruled.body
    assert "Jane Roe" not in repr(call.recorded())


@pytest.mark.parametrize(("on_failure", "refused"), [("pass", False), ("block", True)])
async def test_a_model_that_is_late(on_failure: str, refused: bool) -> None:
    call = guarded(chat("an evil word"), line(SOON, f"on_failure: {on_failure}"), detectors=(Thinks(),))
    ruled = await call.guard.request(call.body)
    assert (ruled.refusal is not None) is refused
    if ruled.refusal is not None:
        assert (ruled.refusal.code, "d0" in ruled.refusal.message) == ("inspection_failed", True)
    assert reasons(call) == ["models failed or were late: d0"]
    assert call.recorded().classified == ()


@pytest.mark.parametrize("problem", [BUSY, RuntimeError("no")], ids=["busy", "broken"])
async def test_a_model_that_can_not_say(problem: Exception) -> None:
    model = Thinks(ready=True)
    model.fails = problem
    call = guarded(chat("an evil word"), line(WAIT, "on_failure: block"), detectors=(model,))
    ruled = await call.guard.request(call.body)
    assert ruled.refusal is not None
    assert ruled.refusal.code == "inspection_failed"
    assert call.recorded().classified == ()


@pytest.mark.parametrize("model", [Thinks, Broken], ids=["late", "broken"])
async def test_a_line_beside_never_refuses_for_want_of_a_model(model: Any) -> None:
    """Only a detector that answers at once can fail it."""
    call = guarded(chat("an evil word"), line("on_failure: block"), detectors=(model(),))
    ruled = await call.guard.request(call.body)
    assert (ruled.refusal is not None) is (model is Broken)


async def test_nobody_waits_for_texts_that_no_waiting_line_is_about() -> None:
    """The model never answers: a call that waited for it would be refused."""
    tools = line(SOON, "on_failure: block", when="part: tool_result")
    alone = guarded(chat("an evil word"), tools, detectors=(Thinks(),))
    assert (await alone.guard.request(alone.body)).refusal is None
    body = chat("Hi")
    body["messages"].append({"role": "tool", "tool_call_id": "1", "content": "an evil word"})
    brought = guarded(body, tools, detectors=(Thinks(),))
    assert (await brought.guard.request(brought.body)).refusal is not None


async def test_a_line_on_trial_waits_for_nobody() -> None:
    call = guarded(chat("x"), line(SOON, "dry_run: true"), "{id: r, then: redact}", detectors=(Thinks(),))
    assert (await call.guard.request(call.body)).refusal is None
    assert reasons(call) == []


async def test_what_came_too_late_for_the_request_still_ends_the_call() -> None:
    model = Thinks()
    call = guarded(chat("an evil word"), line(SOON), detectors=(model,))
    assert (await call.guard.request(call.body)).refusal is None
    model.may.set()
    for _ in range(20):  # turns of the loop
        await asyncio.sleep(0)
    refusal = call.guard.overdue()
    assert refusal is not None
    assert refusal.code == "blocked_by_policy"


async def test_a_whole_answer_waits_where_a_line_about_answers_does() -> None:
    model = Thinks(word="Hello")
    body = chat("Hi")
    said = answer("", tool_calls=[{"id": "1", "type": "function", "function": {"name": "f", "arguments": "Hello"}}])
    for word, refused in ((SOON, True), ("models: beside", False)):
        stop = line(word, "on_failure: block", when="direction: response")
        call = guarded(body, stop, detectors=(model,))
        assert (await call.guard.request(call.body)).refusal is None
        assert ((await call.guard.whole(said, 200)).refusal is not None) is refused
    model.may.set()
    call = guarded(body, line(WAIT, when="direction: response"), detectors=(model,))
    await call.guard.request(call.body)
    ruled = await call.guard.whole(said, 200)
    assert ruled.refusal is not None
    assert ruled.refusal.code == "blocked_by_policy"
    recorded = call.recorded(said)
    assert recorded.classified == (Direction.RESPONSE,)  # no line acts on requests: that is left to control


async def test_votes_weigh_before_anything_is_decided() -> None:
    sure = line(WAIT, when="rule: all/injection, confidence_at_least: 0.8")
    for text, refused in (("an evil word", True), ("a word", False)):
        call = guarded(chat(text), sure, detectors=(Thinks(ready=True), Weighs()))
        ruled = await call.guard.request(call.body)
        assert (ruled.refusal is not None) is refused


async def test_without_models_nothing_changes() -> None:
    call = guarded(chat("an evil word"), line(SOON, "on_failure: block"), detectors=(MAILS,))
    assert (await call.guard.request(call.body)).refusal is None
    recorded = call.recorded()
    assert (recorded.verdicts, recorded.classified) == ((), (Direction.REQUEST,))


def test_a_policy_that_only_records_asks_nobody() -> None:
    made = enforcer("{id: all, then: flag, models: inline}", detectors=(Thinks(),))
    assert made.guard(guarded(chat("x"), line()).exchange, CHAT, SEALER.segments) is None

"""The review: what nobody inspected is inspected, what is found is masked before it is kept, and told once."""

from dataclasses import replace

import pytest

from midwatch_core import Detection, Part, Severity, Text, hookimpl
from midwatch_core.clock import SystemClock
from midwatch_core.engine import Engine
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding
from midwatch_core.model.segment import Direction
from midwatch_core.policy import Policy
from midwatch_core.reviewing import METRICS, Reviewer
from midwatch_core.testing.factories import make_exchange

OBSERVE = "policy: {id: observe}\nlines: [{id: all, then: flag}]\n"


class Finds:
    """Finds a word, as a value or as an attack."""

    def __init__(self, word: str, kind: str = "", category: str = "prompt_injection") -> None:
        self.word, self.kind, self.category, self.calls = word, kind, category, 0

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        self.calls += 1
        at = text.original.find(self.word)
        if at < 0:
            return []
        return [
            Detection(
                rule="t/word",
                category=self.category,
                severity=Severity.HIGH,
                confidence=0.9,
                message="m",
                start=at,
                end=at + len(self.word),
                kind=self.kind,
            )
        ]


class Sizes:
    """Looks at whole calls."""

    @hookimpl
    def inspect_exchange(self, exchange: Exchange) -> list[Finding]:
        side = "request" if exchange.response is None else "response"
        return [Finding(id="", rule=f"s/{side}", category="c", severity=Severity.LOW, confidence=1.0, message="m")]


class Broken:
    @hookimpl
    def inspect_text(self) -> list[Detection]:
        raise RuntimeError("no")


def reviewer(*detectors: object, policy: str = OBSERVE) -> tuple[Reviewer, Metrics]:
    plugins = Plugins()
    for number, detector in enumerate(detectors):
        plugins.add(f"d{number}", lambda detector=detector: detector)  # type: ignore[misc]
    plugins.activate({})
    metrics = Metrics()
    metrics.declare(METRICS)
    made = Reviewer(Engine(plugins), Policy.load(policy.encode(), "p"), b"key", SystemClock(), metrics)
    return made, metrics


def total(metrics: Metrics, name: str) -> float:
    return sum(sum(sample.values) for sample in metrics.samples() if sample.name == name)


async def test_values_are_masked_in_both_directions_and_flagged() -> None:
    made, metrics = reviewer(Finds("bob@x.org", kind="EMAIL", category="pii"))
    kept = await made.review(make_exchange(messages=(("user", "I am bob@x.org"),), answer="Hi bob@x.org!"))
    assert "bob@x.org" not in repr(kept)
    assert [finding.direction for finding in kept.findings] == [Direction.REQUEST, Direction.RESPONSE]
    assert kept.action is Action.FLAG
    named = {segment.text.split()[-1].strip("!") for segment in kept.request.segments}
    assert kept.response is not None
    assert kept.response.segments[0].text == f"Hi {named.pop()}!"
    assert total(metrics, "midwatch_findings_total") == 2
    (counted,) = metrics.samples({"midwatch_findings_total"})
    assert counted.labels == ("pii", "high", kept.findings[0].plugin)
    (reviewed,) = metrics.samples({"midwatch_scan_seconds"})
    assert (reviewed.labels, sum(reviewed.values[:-1])) == (("review",), 1)


async def test_the_same_call_again_is_masked_the_same_and_told_again_only_as_a_call_of_its_own() -> None:
    made, _ = reviewer(Finds("bob@x.org", kind="EMAIL"))
    first, second = [await made.review(make_exchange(messages=(("user", "bob@x.org"),))) for _ in range(2)]
    assert first.request.segments[0].text == second.request.segments[0].text


async def test_a_text_is_scanned_once() -> None:
    detector = Finds("x")
    made, _ = reviewer(detector)
    for _ in range(3):
        await made.review(make_exchange(messages=(("user", "abc"),), answer="abc def"))
    assert detector.calls == 2


async def test_what_a_worker_inspected_is_not_inspected_again() -> None:
    detector = Finds("Paris")
    made, _ = reviewer(detector)
    done = make_exchange(answer="Paris.", inspected=(Direction.REQUEST, Direction.RESPONSE))
    assert (await made.review(done)).findings == ()
    assert detector.calls == 0


async def test_a_finding_that_a_worker_made_is_not_made_twice() -> None:
    made, _ = reviewer(Finds("Paris"))
    once = await made.review(make_exchange(answer="Paris."))
    again = await made.review(replace(once, verdicts=()))
    assert len(again.findings) == 1


async def test_whole_calls_are_looked_at_as_request_and_as_answer() -> None:
    made, _ = reviewer(Sizes())
    kept = await made.review(make_exchange())
    assert [(item.rule, item.direction) for item in kept.findings] == [
        ("s/request", Direction.REQUEST),
        ("s/response", Direction.RESPONSE),
    ]


async def test_what_comes_too_late_is_a_flag_that_says_what_it_would_have_been() -> None:
    made, _ = reviewer(Finds("France"), policy="policy: {id: p}\nlines: [{id: stop, then: block}]\n")
    kept = await made.review(make_exchange())
    assert [(item.action, item.reason) for item in kept.verdicts] == [(Action.FLAG, "block: seen too late")]


async def test_what_policy_lets_pass_is_masked_and_not_told() -> None:
    made, _ = reviewer(Finds("France", kind="PLACE"), policy="policy: {id: p}\nlines: [{id: fine, then: allow}]\n")
    kept = await made.review(make_exchange())
    assert (kept.findings, kept.action) == ((), Action.ALLOW)
    assert "France" not in repr(kept.request)


async def test_a_detector_that_fails_is_named_and_counted() -> None:
    made, metrics = reviewer(Broken())
    kept = await made.review(make_exchange())
    assert [item.reason for item in kept.verdicts] == ["detectors failed: d0"]
    assert total(metrics, "midwatch_inspection_failures_total") == 1


@pytest.mark.parametrize("turns", [2, 5])
async def test_a_finding_is_told_once_in_a_conversation(turns: int) -> None:
    made, _ = reviewer(Finds("attack"))
    messages: list[tuple[str, str]] = [("user", "an attack")]
    told = 0
    for number in range(turns):
        kept = await made.review(make_exchange(messages=tuple(messages), answer=f"answer {number}"))
        told += len(kept.findings)
        messages += [("assistant", f"answer {number}"), ("user", f"more {number}")]
    assert told == 1

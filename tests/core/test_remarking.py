"""Remarks: what plugins find a complete call to show is stamped and counted, whatever else they give or raise."""

from datetime import UTC, datetime
from typing import Any

from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins
from midwatch_core.inspection import MAX_FINDINGS
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.remarking import METRICS, Remarker
from midwatch_core.testing.factories import make_exchange

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def finding(rule: str = "own/dear", **changes: Any) -> Finding:
    given: dict[str, Any] = {
        "id": "mine",
        "rule": rule,
        "category": "anomaly",
        "severity": Severity.LOW,
        "confidence": 1.0,
        "message": "A dear call",
        "plugin": "not me",
    }
    return Finding(**given | changes)


class Saying:
    """A plugin that gives one answer, or raises it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.seen: list[Exchange] = []

    @hookimpl
    def review(self, exchange: Exchange) -> object:
        self.seen.append(exchange)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Room:
    def __init__(self, *answers: object) -> None:
        self.plugins, self.metrics = Plugins(), Metrics()
        self.metrics.declare(METRICS)
        self.said = [Saying(answer) for answer in answers]
        for number, plugin in enumerate(self.said):
            self.plugins.add(f"p{number}", lambda plugin=plugin: plugin)  # type: ignore[misc]
        self.plugins.activate({})
        self.remarker = Remarker(self.plugins, self.metrics)

    def remarked(self, exchange: Exchange) -> tuple[Finding, ...]:
        return self.remarker.remarked(exchange).findings

    def counted(self) -> dict[tuple[str, ...], float]:
        return {sample.labels: sample.values[0] for sample in self.metrics.samples()}


def test_what_a_plugin_finds_is_stamped_counted_and_stands_after_what_was_found_before() -> None:
    room, before = Room([finding(), finding("own/again", severity=Severity.HIGH)]), finding("older")
    known, first, second = room.remarked(make_exchange(findings=(before,)))
    assert known is before
    assert [(item.rule, item.plugin) for item in (first, second)] == [("own/dear", "p0"), ("own/again", "p0")]
    assert len({first.id, second.id, "mine"}) == 3
    assert room.counted() == {("anomaly", "low", "p0"): 1.0, ("anomaly", "high", "p0"): 1.0}


def test_a_plugin_that_raises_is_counted_and_the_others_are_heard() -> None:
    room = Room(KeyError("x"), [finding()], None, [])
    assert [item.plugin for item in room.remarked(make_exchange())] == ["p1"]
    assert room.plugins.guard.records["p0.review"].failures == 1
    assert [len(plugin.seen) for plugin in room.said] == [1, 1, 1, 1]


def test_nonsense_is_a_complaint_about_the_plugin_and_what_can_be_used_of_it_is() -> None:
    async def later() -> None: ...

    room = Room("text", [finding(), 7], [finding(confidence=float("nan"))], later(), [finding(severity="bad")])
    assert [item.plugin for item in room.remarked(make_exchange())] == ["p1"]
    assert [room.plugins.guard.records[f"p{number}.review"].failures for number in range(5)] == [1] * 5


def test_a_plugin_can_not_fill_a_call_with_findings() -> None:
    room = Room([finding()] * 5000, [finding()] * 5000)
    assert len(room.remarked(make_exchange())) == MAX_FINDINGS


def test_where_nothing_is_found_the_exchange_is_the_same() -> None:
    for room in (Room(), Room(None), Room([])):
        exchange = make_exchange()
        assert room.remarker.remarked(exchange) is exchange

"""The review of a journalled exchange: what nobody inspected on its way is inspected, masked and told from old news."""

import time
from collections.abc import Iterable
from dataclasses import replace

from midwatch_core.clock import Clock
from midwatch_core.engine import Engine, Inspection
from midwatch_core.masking import masked_exchange, placeholder_key
from midwatch_core.metrics import MetricKind, Metrics, MetricSpec
from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Verdict
from midwatch_core.model.segment import Direction, Segment
from midwatch_core.news import News
from midwatch_core.placeholders import Placeholders
from midwatch_core.policy import Decision, Policy, subject_of
from midwatch_core.scan_metrics import METRICS as SCANNING
from midwatch_core.scan_metrics import SECONDS as SCAN_SECONDS

METRICS = (
    MetricSpec(
        name="midwatch_findings_total",
        kind=MetricKind.COUNTER,
        help="What detectors saw, each finding once in a conversation",
        labels=("category", "severity", "plugin"),
    ),
    MetricSpec(
        name="midwatch_inspection_failures_total",
        kind=MetricKind.COUNTER,
        help="Exchanges on which a detector failed or was late",
        labels=("plugin",),
    ),
    *SCANNING,
)


class Reviewer:
    """Completes findings and verdicts. What it finds is too late to be acted on: it is flagged at most."""

    def __init__(self, engine: Engine, policy: Policy, key: bytes, clock: Clock, metrics: Metrics) -> None:
        self.policy = policy
        self.engine = engine
        self._key = key
        self._clock = clock
        self._metrics = metrics
        self._news = News()

    async def review(self, exchange: Exchange) -> Exchange:
        """The exchange as it may be kept: all texts inspected, all values masked, findings that are news."""
        began = time.perf_counter()
        seen = await self._seen(exchange)
        self._metrics.observe(SCAN_SECONDS, time.perf_counter() - began, ("review",))
        fresh = _fresh(seen.findings, exchange.findings)
        decision = self.policy.decide(fresh, subject_of(exchange), self._clock.now())
        complete = changed(
            exchange,
            findings=(*exchange.findings, *fresh),
            verdicts=(*exchange.verdicts, *_late(decision), *self._failures(seen)),
        )
        masked = self._masked(complete, {item.id for item in exchange.findings})
        shown = {item.id for item in decision.recorded} | {item.id for item in exchange.findings}
        told = self._news.only(changed(masked, findings=tuple(item for item in masked.findings if item.id in shown)))
        for finding in told.findings:
            self._metrics.add("midwatch_findings_total", labels=(finding.category, finding.severity, finding.plugin))
        return told

    def forget(self) -> None:
        """Packs or settings are new."""
        self.engine.forget()

    async def _seen(self, exchange: Exchange) -> Inspection:
        seen = Inspection()
        if Direction.REQUEST not in exchange.inspected:
            seen += await self.engine.inspect_texts(exchange.request.segments, Direction.REQUEST)
        seen += await self.engine.inspect_exchange(changed(exchange, response=None))
        if exchange.response is not None:
            if Direction.RESPONSE not in exchange.inspected:
                seen += await self.engine.inspect_texts(exchange.response.segments, Direction.RESPONSE)
            seen += await self.engine.inspect_exchange(exchange)
        known = Inspection(findings=exchange.findings)
        return self.engine.weigh(known + seen, exchange, _texts(exchange))[0]

    def _masked(self, exchange: Exchange, hidden: set[str]) -> Exchange:
        """What a worker found it has masked."""
        names = Placeholders(
            placeholder_key(self._key, exchange.identity.tenant), (item.text for item in exchange.request.segments)
        )
        return masked_exchange(exchange, lambda finding, text: names.name(finding.kind, text), hidden=hidden)

    def _failures(self, seen: Inspection) -> Iterable[Verdict]:
        """A detector that could not say: named in the record, and counted."""
        for plugin in seen.failures:
            self._metrics.add("midwatch_inspection_failures_total", labels=(plugin,))
        if seen.failures:
            yield Verdict(
                action=Action.ALLOW, policy=self.policy.id, reason=f"detectors failed: {', '.join(seen.failures)}"
            )


def _texts(exchange: Exchange) -> dict[tuple[Direction, str], Segment]:
    texts = {(Direction.REQUEST, item.path): item for item in exchange.request.segments}
    if exchange.response is not None:
        texts |= {(Direction.RESPONSE, item.path): item for item in exchange.response.segments}
    return texts


def _fresh(seen: Iterable[Finding], known: Iterable[Finding]) -> tuple[Finding, ...]:
    """What is not known already: a worker may have looked at the same."""
    keys = {_key(item) for item in known}
    return tuple(item for item in seen if _key(item) not in keys)


def _key(finding: Finding) -> tuple[object, ...]:
    return finding.rule, finding.direction, finding.path, finding.start, finding.end


def _late(decision: Decision) -> Iterable[Verdict]:
    """What was decided after the fact: the call is over, so that more than a flag is what would have been done."""
    for verdict in decision.verdicts:
        if verdict.action > Action.FLAG and not verdict.dry_run:
            yield replace(verdict, action=Action.FLAG, reason=f"{verdict.action.name.lower()}: seen too late")
        else:
            yield verdict

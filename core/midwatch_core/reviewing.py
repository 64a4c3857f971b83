"""The review of a journalled exchange: what nobody inspected on its way is inspected, masked and told from old news."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from midwatch_core.classifying import Classifying
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
from midwatch_core.policy import Policy, subject_of
from midwatch_core.scan_metrics import METRICS as SCANNING
from midwatch_core.scan_metrics import SECONDS as SCAN_SECONDS

FINDINGS = MetricSpec(
    name="midwatch_findings_total",
    kind=MetricKind.COUNTER,
    help="What detectors saw, each finding once in a conversation",
    labels=("category", "severity", "plugin"),
)
METRICS = (
    FINDINGS,
    MetricSpec(
        name="midwatch_inspection_failures_total",
        kind=MetricKind.COUNTER,
        help="Exchanges on which a detector failed or was late",
        labels=("plugin",),
    ),
    *SCANNING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """The models that were asked about an exchange; until these monotonic seconds their answers are waited for."""

    models: tuple[Classifying, ...] = ()
    until_s: float = 0.0


NOTHING_ASKED = Awaited()


class Reviewer:
    """Completes findings and verdicts. What it finds is too late to be acted on: it is flagged at most."""

    def __init__(self, engine: Engine, policy: Policy, key: bytes, clock: Clock, metrics: Metrics) -> None:
        self.policy = policy
        self.engine = engine
        self._key = key
        self._clock = clock
        self._metrics = metrics
        self._news = News()

    def ask(self, exchange: Exchange, patience_s: float) -> Awaited:
        """Ask models about the texts that no worker has heard them on, so that they think while others are reviewed."""
        models = tuple(
            self.engine.classify(_texts_as_they_are(exchange, direction), direction)
            for direction in Direction
            if direction not in exchange.classified
        )
        return Awaited(models=models, until_s=self._clock.monotonic() + patience_s)

    async def review(self, exchange: Exchange, awaited: Awaited = NOTHING_ASKED) -> Exchange:
        """The exchange as it may be kept: all texts inspected, all values masked, findings that are news.

        `awaited` is what `ask` gave for it; without, models have no part in it.
        """
        began = time.perf_counter()
        seen = await self._inspected(exchange)
        self._metrics.observe(SCAN_SECONDS, time.perf_counter() - began, ("review",))
        seen += await self._heard(awaited)
        held = self._weighed(exchange, seen)
        known, fresh, grown = _told_apart(held, exchange)
        decision = self.policy.decide((*fresh, *grown), subject_of(exchange), self._clock.now())
        complete = changed(
            exchange,
            findings=(*known, *fresh),
            verdicts=(*exchange.verdicts, *decision.late_verdicts, *self._failures(seen)),
        )
        masked = self._masked(complete, {item.id for item in exchange.findings})
        shown = {item.id for item in decision.recorded} | {item.id for item in exchange.findings}
        told = self._news.only(changed(masked, findings=tuple(item for item in masked.findings if item.id in shown)))
        for finding in told.findings:
            self._metrics.add(FINDINGS.name, labels=(finding.category, finding.severity, finding.plugin))
        return told

    def forget(self) -> None:
        """Packs or settings are new."""
        self.engine.forget()

    async def _inspected(self, exchange: Exchange) -> Inspection:
        seen = Inspection()
        if Direction.REQUEST not in exchange.inspected:
            seen += await self.engine.inspect_texts(exchange.request.segments, Direction.REQUEST)
        seen += await self.engine.inspect_exchange(changed(exchange, response=None))
        if exchange.response is not None:
            if Direction.RESPONSE not in exchange.inspected:
                seen += await self.engine.inspect_texts(exchange.response.segments, Direction.RESPONSE)
            seen += await self.engine.inspect_exchange(exchange)
        return seen

    async def _heard(self, awaited: Awaited) -> Inspection:
        """What models say in time; who is late is among the failures."""
        heard = Inspection()
        for models in awaited.models:
            heard += await models.wait(max(0.0, awaited.until_s - self._clock.monotonic()))
        return heard

    def _weighed(self, exchange: Exchange, seen: Inspection) -> tuple[Finding, ...]:
        """All findings as they are held to be. What a worker has weighed, with votes of which none is left, stays."""
        open_ = [direction for direction in Direction if direction not in exchange.classified]
        before = tuple(item for item in exchange.findings if item.direction in open_)
        texts = {(side, item.path): item for side in open_ for item in _texts(exchange, side)}
        return self.engine.weigh(Inspection(findings=before) + seen, exchange, texts)[0].findings

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


def _texts(exchange: Exchange, direction: Direction) -> Sequence[Segment]:
    if direction is Direction.REQUEST:
        return exchange.request.segments
    return exchange.response.segments if exchange.response is not None else ()


def _texts_as_they_are(exchange: Exchange, direction: Direction) -> Iterator[Segment]:
    """Texts for models. A worker may have masked what it had to do with: hashes no longer say then what a text is."""
    for segment in _texts(exchange, direction):
        if exchange.inspected:
            text = f"{exchange.identity.tenant}\0{segment.text}".encode("utf-8", "surrogatepass")
            yield replace(segment, hash=f"masked:{blake2b(text, digest_size=16).hexdigest()}")
        else:
            yield segment


def _told_apart(
    held: Iterable[Finding], exchange: Exchange
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Finding, ...]]:
    """What was known (as it is held to be by now), what is new, and what of the known is held to be surer than before.

    A worker may have looked at the same.
    """
    known = exchange.findings
    keys = {item.key for item in known}
    again = {item.key: item for item in held if item.direction not in exchange.classified}
    updated = tuple(_as_held(item, again.get(item.key)) for item in known)
    fresh = tuple(item for item in held if item.key not in keys)
    grown = tuple(now for now, then in zip(updated, known, strict=True) if now.confidence > then.confidence)
    return updated, fresh, grown


def _as_held(known: Finding, again: Finding | None) -> Finding:
    if again is None:
        return known
    return replace(known, severity=again.severity, confidence=again.confidence, message=again.message)

"""The judge of one call: what detectors and models see in its texts, and what policy says of that. Beside `guard`."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from midwatch_core.clock import Clock
from midwatch_core.enforcement.models import NOBODY, Asked, Heard, Later
from midwatch_core.enforcement.outcome import blocked, not_inspected
from midwatch_core.enforcement.record import CallRecord, values_of
from midwatch_core.engine import Engine, Inspection
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Verdict
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.policy import Decision, Policy, Subject
from midwatch_core.wire.dialect import Refusal

_ENDS = (Action.CUT, Action.BLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is decided on some texts; `refusal` where they may not go on."""

    decision: Decision
    refusal: Refusal | None = None


class Judge:
    """Judges a request once, and an answer that was sent whole. Models that a request did not wait for are heard later.

    `inspected` and `classified` are the directions that detectors, and models, have had their say on.
    """

    def __init__(
        self, exchange: Exchange, *, engine: Engine, policy: Policy, clock: Clock, subject: Subject, record: CallRecord
    ) -> None:
        self.inspected: list[Direction] = []
        self.classified: list[Direction] = []
        self._exchange = exchange
        self._engine = engine
        self._policy = policy
        self._clock = clock
        self._subject = subject
        self._record = record
        self._later: Later | None = None
        self._overdue: Refusal | None = None

    async def request(self) -> Judged:
        """Judge the request; a refusal is the decision's, or says what could not be inspected."""
        segments = self._exchange.request.segments
        # What no line could act on is heard by control, which has the time.
        wanted = self._policy.acts(self._subject, Direction.REQUEST)
        asked = self._ask(Direction.REQUEST, segments, wanted=wanted)
        seen, heard = await self._looked_at(self._exchange, Direction.REQUEST, segments, asked)
        findings = self._weighed(seen + heard.seen, Direction.REQUEST, segments)
        judged = self._judge(findings, seen.failures, heard, Direction.REQUEST, segments)
        if asked.models is not None and judged.refusal is None and not asked.models.done:
            self._later = Later(
                asked.models, seen=seen, held=findings, decision=judged.decision, may_end=self._may_end(segments)
            )
        return judged

    async def answer(self, exchange: Exchange, segments: Sequence[Segment]) -> Judged:
        """Judge the answer of the call, which is whole now. Models are asked where a line waits for them."""
        asked = self._ask(Direction.RESPONSE, segments, wanted=False)
        seen, heard = await self._looked_at(exchange, Direction.RESPONSE, segments, asked)
        findings = self._weighed(seen + heard.seen, Direction.RESPONSE, segments)
        return self._judge(findings, seen.failures, heard, Direction.RESPONSE, segments)

    @property
    def may_end(self) -> bool:
        """Whether the call may still have to be ended for what models are about to say of its request."""
        return self._overdue is not None or (self._later is not None and self._later.may_end)

    def overdue(self) -> Refusal | None:
        """Why the call may not go on, where models have said so since its request went out. To be asked often."""
        if self._later is not None and self._later.fresh:
            self._hear(self._later, in_time=True)
        return self._overdue

    def conclude(self) -> None:
        """The record is being made: put there what models have said, though it is too late for anything else."""
        if self._later is not None and self._later.fresh:
            self._hear(self._later, in_time=False)

    def _ask(self, direction: Direction, segments: Sequence[Segment], *, wanted: bool) -> Asked:
        if not self._engine.has_models:
            return NOBODY
        parts = {segment.part for segment in segments}
        patience_s = max((self._policy.patience_s(self._subject, direction, part) for part in parts), default=0.0)
        models = self._engine.classify(segments, direction) if wanted or patience_s else None
        return Asked(models, until_s=self._clock.monotonic() + patience_s if patience_s else None)

    async def _looked_at(
        self, exchange: Exchange, direction: Direction, segments: Sequence[Segment], asked: Asked
    ) -> tuple[Inspection, Heard]:
        if asked.models is not None and not asked.models.done:
            await asyncio.sleep(0)  # they get to work, and we beside them
        seen = await self._engine.inspect_texts(segments, direction)
        seen += await self._engine.inspect_exchange(exchange)
        self.inspected.append(direction)
        heard = await asked.heard(self._clock.monotonic())
        if heard.complete:
            self.classified.append(direction)
        return seen, heard

    def _weighed(self, seen: Inspection, direction: Direction, segments: Iterable[Segment]) -> tuple[Finding, ...]:
        texts = {(direction, item.path): item for item in segments}
        return self._engine.weigh(seen, self._exchange, texts)[0].findings

    def _judge(
        self,
        findings: tuple[Finding, ...],
        failures: Sequence[str],
        heard: Heard,
        direction: Direction,
        segments: Iterable[Segment],
    ) -> Judged:
        """Decide; a refusal where a line blocks (before a request goes out, a cut can do no less)."""
        decision = self._decide(findings)
        if decision.verdict.action >= Action.CUT:
            return Judged(decision=decision, refusal=blocked(decision.verdict, findings, self._exchange.id))
        refusal: Refusal | None = None
        if failures:
            verdict = self._policy.on_failure(self._subject, direction)
            refusal = self._failed(verdict, "detectors failed", failures)
        if heard.failures and refusal is None:
            verdict = self._models_failed(direction, {segment.part for segment in segments})
            refusal = self._failed(verdict, "models failed or were late", heard.failures)
        return Judged(decision=decision, refusal=refusal)

    def _decide(self, findings: Sequence[Finding]) -> Decision:
        return self._policy.decide(findings, self._subject, self._clock.now())

    def _models_failed(self, direction: Direction, parts: Iterable[Part]) -> Verdict:
        verdicts = [self._policy.on_failure(self._subject, direction, part=part, models=True) for part in parts]
        return max(verdicts, key=lambda verdict: verdict.action)

    def _failed(self, verdict: Verdict, what: str, failures: Sequence[str]) -> Refusal | None:
        reason = f"{what}: {', '.join(failures)}"
        self._record.note(replace(verdict, policy=self._policy.id, reason=reason))
        return not_inspected(verdict, failures, self._exchange.id) if verdict.action is Action.BLOCK else None

    def _may_end(self, segments: Iterable[Segment]) -> bool:
        parts = {segment.part for segment in segments}
        return any(
            self._policy.may(action, self._subject, Direction.REQUEST, part) for action in _ENDS for part in parts
        )

    def _hear(self, later: Later, *, in_time: bool) -> None:
        """Weigh and decide again, with what models have said: what is new is put on record, and may end the call."""
        segments = self._exchange.request.segments
        seen, complete = later.heard()
        if complete:
            self.classified.append(Direction.REQUEST)
        findings = later.named(self._weighed(seen, Direction.REQUEST, segments))
        news = later.news(findings, self._decide)
        ends = in_time and news.verdict.action >= Action.CUT
        self._record.hold(findings)
        self._record.take(news, values_of(news, segments), late=not ends)
        if ends or later.done:
            self._later = None
        if ends:
            self._overdue = blocked(news.verdict, findings, self._exchange.id)

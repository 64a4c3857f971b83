"""The part of models in ruling on a call: waited for by `inline` lines of policy, and heard later by the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from midwatch_core.classifying import Classifying
from midwatch_core.inspection import Inspection
from midwatch_core.model.finding import Action, Finding
from midwatch_core.policy import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What models have said. `failures` name those that the call waited for in vain; `complete`: all have said it."""

    seen: Inspection = field(default_factory=Inspection)
    failures: tuple[str, ...] = ()
    complete: bool = False


class Asked:
    """Models that are asked while detectors look at the same texts; the call waits for them until `until_s`, if ever.

    Seconds are those of one monotonic clock. `models` is None where nobody was asked: that is `complete` where there is
    nobody.
    """

    def __init__(self, models: Classifying | None, *, until_s: float | None = None, complete: bool = False) -> None:
        self.models = models
        self._until_s = until_s
        self._complete = complete

    async def heard(self, now_s: float) -> Heard:
        """What they say in time."""
        if self.models is None:
            return Heard(complete=self._complete)
        if self._until_s is None:
            seen = self.models.seen()
        else:
            seen = await self.models.wait(max(0.0, self._until_s - now_s))
        failures = () if self._until_s is None else seen.failures
        return Heard(seen=replace(seen, failures=()), failures=failures, complete=not seen.failures)


NOBODY = Asked(None, complete=True)


class Later:
    """What models may still say of a request that went out without having heard them all.

    `seen` is what detectors saw, `held` the findings as they were weighed then, and `decision` what was decided on
    them. `may_end`: whether a line could end the call for it. `fresh`: something has come since it was last heard.
    """

    def __init__(
        self,
        models: Classifying,
        *,
        seen: Inspection,
        held: Sequence[Finding],
        decision: Decision,
        may_end: bool,
    ) -> None:
        self.may_end = may_end
        self.fresh = False
        self._models = models
        self._seen = seen
        self._held = held
        self._strengths = _strengths(decision)
        models.when_more(self._come)

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self._models.done

    def heard(self) -> tuple[Inspection, bool]:
        """All that was seen by now, not yet weighed, and whether all models have said what they say."""
        self.fresh = False
        said = self._models.seen()
        return self._seen + replace(said, failures=()), not said.failures

    def named(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Findings that are weighed anew, under the names that they had before."""
        names: dict[tuple[object, ...], list[str]] = {}
        for item in self._held:
            names.setdefault((item.plugin, *item.key), []).append(item.id)
        known = (names.get((item.plugin, *item.key)) for item in findings)
        self._held = tuple(
            replace(item, id=ids.pop(0)) if ids else item for item, ids in zip(findings, known, strict=True)
        )
        return self._held

    def news(self, findings: Sequence[Finding], decide: Callable[[Sequence[Finding]], Decision]) -> Decision:
        """What is decided on those that are new, or that more is to be done about than before."""
        before, self._strengths = self._strengths, _strengths(decide(findings))
        return decide([item for item in findings if _is_more(self._strengths[item.id], before.get(item.id))])

    def _come(self) -> None:
        self.fresh = True


def _strengths(decision: Decision) -> dict[str, tuple[Action, Action]]:
    """What is done about each finding, and what lines on trial would have done at most."""
    trials: dict[str, Action] = {}
    for ruling in decision.dry_run:
        trials[ruling.finding.id] = max(ruling.action, trials.get(ruling.finding.id, Action.ALLOW))
    return {
        ruling.finding.id: (ruling.action, trials.get(ruling.finding.id, Action.ALLOW)) for ruling in decision.rulings
    }


def _is_more(now: tuple[Action, Action], before: tuple[Action, Action] | None) -> bool:
    return before is None or now[0] > before[0] or now[1] > before[1]

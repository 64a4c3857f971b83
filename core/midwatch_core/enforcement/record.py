"""The record of one call under guard: what was found and decided on its way, for the exchange that is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from midwatch_core.body_edits import Replacement
from midwatch_core.masking import Namer, masked_exchange, rebased
from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Verdict
from midwatch_core.model.segment import Direction, Segment
from midwatch_core.policy import Decision


class CallRecord:
    """Collects findings and verdicts. Values that were found are held here only, until the exchange is masked."""

    def __init__(self) -> None:
        self._findings: dict[str, Finding] = {}
        self._verdicts: list[Verdict] = []
        self._shown: set[str] = set()
        self._values: dict[str, str] = {}
        self._hidden: set[str] = set()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far, in the order in which it was."""
        return tuple(self._findings.values())

    @property
    def action(self) -> Action:
        """The strongest action so far."""
        return max((item.action for item in self._verdicts if not item.dry_run), default=Action.ALLOW)

    @property
    def notes(self) -> tuple[Verdict, ...]:
        """What was decided on something else than findings."""
        return tuple(item for item in self._verdicts if item.reason and not item.findings)

    def line_of(self, action: Action) -> str | None:
        """The line of the first verdict that took this action."""
        found = (item for item in self._verdicts if item.action is action and not item.dry_run)
        return next((item.policy_line for item in found), None)

    def take(
        self,
        decision: Decision,
        values: Mapping[str, str],
        replacements: Mapping[str, tuple[Replacement, ...]] = MappingProxyType({}),
        *,
        late: bool = False,
    ) -> None:
        """Note a decision. `values` is what was found, by the finding's id; one that is known is decided on anew.

        `replacements`, by path, are those made in the texts that are kept (an answer's): findings move along, and what
        was redacted there is hidden already. `late`: it could not be done any more.
        """
        for ruling in decision.rulings:
            finding = ruling.finding
            made = replacements.get(finding.path or "", ())
            self._findings[finding.id] = rebased(finding, made)
            if any(item.start < (finding.end or 0) and (finding.start or 0) < item.end for item in made):
                self._hidden.add(finding.id)
            elif finding.kind and not made:
                self._values[finding.id] = values.get(finding.id, "")
        self._shown |= {item.id for item in decision.recorded}
        self._verdicts += decision.late_verdicts if late else decision.verdicts

    def hold(self, findings: Iterable[Finding]) -> None:
        """Findings that are known, as they are held to be by now."""
        for item in findings:
            if (known := self._findings.get(item.id)) is not None:
                self._findings[item.id] = replace(
                    known, severity=item.severity, confidence=item.confidence, message=item.message
                )

    def note(self, verdict: Verdict) -> None:
        """Note what was decided on something else than findings."""
        self._verdicts.append(verdict)

    def not_redacted(self, reason: str) -> None:
        """Nothing of what was to be redacted could be: that was a flag, and why."""
        self._verdicts = [
            replace(item, action=Action.FLAG, reason=reason)
            if item.action is Action.REDACT and not item.dry_run
            else item
            for item in self._verdicts
        ]

    def on(
        self, exchange: Exchange, name: Namer, inspected: Iterable[Direction], classified: Iterable[Direction]
    ) -> Exchange:
        """The exchange with all of it, masked; findings that policy lets pass mask, and are dropped then."""
        texts = {(Direction.REQUEST, item.path): item for item in exchange.request.segments}
        if exchange.response is not None:
            texts |= {(Direction.RESPONSE, item.path): item for item in exchange.response.segments}
        found = tuple(self._placed(item, texts) for item in self.findings)
        masked = masked_exchange(changed(exchange, findings=found), name, hidden=self._hidden)
        return changed(
            masked,
            findings=tuple(item for item in masked.findings if item.id in self._shown),
            verdicts=_joined(self._verdicts),
            inspected=tuple(inspected),
            classified=tuple(classified),
        )

    def _placed(self, finding: Finding, texts: Mapping[tuple[Direction, str], Segment]) -> Finding:
        """Where the kept text is not quite the one looked at (JSON written compactly), find the value again."""
        value = self._values.get(finding.id)
        if value is None or finding.path is None:
            return finding
        segment = texts.get((finding.direction, finding.path))
        text = segment.text if segment is not None else ""
        if text[finding.start : finding.end] == value:
            return finding
        at = text.find(value) if value else -1
        return replace(finding, start=at, end=at + len(value)) if at >= 0 else replace(finding, start=None, end=None)


def values_of(decision: Decision, segments: Iterable[Segment]) -> dict[str, str]:
    """What each finding found, by the finding's id."""
    texts = {segment.path: segment.text for segment in segments}
    return {
        item.finding.id: texts.get(item.finding.path or "", "")[item.finding.start : item.finding.end]
        for item in decision.rulings
        if item.finding.path is not None
    }


def _joined(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """One verdict for each action, line and reason: a stream is decided on piece by piece."""
    joined: dict[tuple[object, ...], Verdict] = {}
    for item in verdicts:
        key = (item.action, item.policy, item.policy_line, item.reason, item.dry_run)
        before = joined.get(key)
        joined[key] = replace(item, findings=(*before.findings, *item.findings)) if before else item
    return tuple(joined.values())

"""News: what an earlier turn of a conversation has shown is not told again by every turn that carries it along."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Verdict
from midwatch_core.model.segment import Direction, Part, Segment

_ANSWERED = frozenset({Part.ASSISTANT, Part.REASONING, Part.TOOL_CALL})


class News:
    """Remembers which texts were reported; the least recently seen are forgotten beyond `capacity`.

    A text is old where it stands before the conversation's last answer and was in an exchange that was reported. A
    history that was never seen here (a forged one, or one from before we watched) is news.
    """

    def __init__(self, capacity: int = 50_000) -> None:
        self._capacity = capacity
        self._seen: OrderedDict[tuple[str, Part], None] = OrderedDict()

    def only(self, exchange: Exchange) -> Exchange:
        """The exchange with those findings that are news."""
        segments = exchange.request.segments
        old = {item.path for item in self._history(segments)}
        kept = tuple(item for item in exchange.findings if not _repeats(item, old))
        self._remember(segments)
        if exchange.response is not None:
            self._remember(exchange.response.segments)
        if len(kept) == len(exchange.findings):
            return exchange
        return changed(exchange, findings=kept, verdicts=tuple(_about(kept, exchange.verdicts)))

    def _history(self, segments: tuple[Segment, ...]) -> Iterable[Segment]:
        last = max((at for at, item in enumerate(segments) if item.part in _ANSWERED), default=-1)
        return (item for item in segments[: last + 1] if item.hash and (item.hash, item.part) in self._seen)

    def _remember(self, segments: Iterable[Segment]) -> None:
        for segment in segments:
            if segment.hash:
                self._seen[segment.hash, segment.part] = None
                self._seen.move_to_end((segment.hash, segment.part))
        while len(self._seen) > self._capacity:
            self._seen.popitem(last=False)


def _about(findings: Iterable[Finding], verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The verdicts with the findings that are left; one that only flagged what was flagged before is none."""
    left = {item.id for item in findings}
    for verdict in verdicts:
        named = tuple(item for item in verdict.findings if item in left)
        if named or verdict.action > Action.FLAG or not verdict.findings:
            yield changed(verdict, findings=named)


def _repeats(finding: Finding, old: set[str]) -> bool:
    return finding.direction is Direction.REQUEST and finding.path in old

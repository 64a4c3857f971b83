"""Ruling on one text of a streamed answer as it comes: restored, inspected, redacted, held back, or ended."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from midwatch_core.body_edits import Replacement
from midwatch_core.clock import Clock
from midwatch_core.enforcement.outcome import blocked, not_inspected
from midwatch_core.enforcement.record import CallRecord
from midwatch_core.enforcement.sofar import AnswerSoFar
from midwatch_core.engine import Engine, Inspection
from midwatch_core.masking import replacements_of
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Verdict
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.model.stream import StreamEvent, StreamKind
from midwatch_core.opentail import open_tail
from midwatch_core.policy import Decision, Policy, Subject
from midwatch_core.restoring import Restorer, restored
from midwatch_core.window import Window, WindowSlice
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.editing.errors import StreamCut

# What a detector is given again in front of new text, and how much new text is waited for: each piece is looked at
# where a line may act on it, before it goes out; where lines only record, text is looked at every few words.
_OVERLAP = 512
_STEP = 128
_KINDS = {Part.REASONING: StreamKind.REASONING, Part.TOOL_CALL: StreamKind.TOOL_ARGUMENTS}


class RefusedStream(StreamCut):
    """The stream ends here; `refusal` is what its client is told."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class AnswerFilter:
    """One text of a stream (see `TextFilter`). Offsets are code points of the restored text as a whole."""

    def __init__(
        self,
        engine: Engine,
        policy: Policy,
        subject: Subject,
        place: Segment,
        *,
        json: bool,
        clock: Clock,
        name: Callable[[Finding, str], str],
        owns: Callable[[str], bool],
        values: Mapping[str, str],
        hosts: frozenset[str],
        call_id: str,
        exchange: Exchange,
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._subject = subject
        self._place = place
        self._json = json
        self._clock = clock
        self._name = name
        self._owns = owns
        self._values = values
        self._hosts = hosts
        self._call_id = call_id
        self._exchange = exchange
        self._restorer = Restorer(values, hosts=hosts, json=json) if values else None
        self._inspects = policy.acts(subject, Direction.RESPONSE)
        self._redacts = self._may(Action.REDACT)
        self._holds_all = place.part is Part.TOOL_CALL and self._may(Action.BLOCK)
        looks_at_each = any(map(self._may, (Action.REDACT, Action.CUT, Action.BLOCK)))
        self._window = Window(overlap=_OVERLAP, step=1 if looks_at_each else _STEP)
        self._so_far = (
            AnswerSoFar(engine, exchange, place) if self._may(Action.CUT) or self._may(Action.BLOCK) else None
        )
        self._decisions: list[tuple[Decision, dict[str, str]]] = []
        self._notes: list[Verdict] = []
        self._replacements: list[Replacement] = []
        self._held = ""
        self._released = 0
        self._ended = False

    def feed(self, delta: str) -> str:
        """What may go out now."""
        text = self._restorer.feed(delta) if self._restorer is not None else delta
        if not self._inspects:
            return text
        if text:
            self._judge_delta(text)
        return self._pass_on(text, end=False)

    def close(self) -> str:
        """What was held, at the text's end."""
        self._ended = True
        text = self._restorer.close() if self._restorer is not None else ""
        return self._pass_on(text, end=True) if self._inspects else text

    def whole(self, text: str) -> str:
        """A text that comes whole: one that repeats what came in pieces, or that comes in no pieces at all."""
        if self._values:
            text = restored(text, self._values, hosts=self._hosts, json=self._json)
        if not self._inspects:
            return text
        seen = self._engine.look(Segment(part=self._place.part, path=self._place.path, text=text), Direction.RESPONSE)
        first = not (self._ended or self._released or self._held)
        decision = self._decided(seen, text, keep=first)
        found = [item for item in decision.of(Action.REDACT) if not self._owns(text[item.start : item.end])]
        made = replacements_of(found, text, self._name)
        if first:
            self._replacements = list(made)
            self._ended = True
        return _with(text, made)

    def report(self, record: CallRecord) -> None:
        """Put on record what was seen here; spans are those of what went out."""
        made = {self._place.path: tuple(self._replacements)}
        for decision, values in self._decisions:
            record.take(decision, values, made if self._replacements else {})
        for note in self._notes:
            record.note(note)
        self._decisions.clear()
        self._notes.clear()

    def _may(self, action: Action) -> bool:
        return self._policy.may(action, self._subject, Direction.RESPONSE, self._place.part)

    def _pass_on(self, text: str, *, end: bool) -> str:
        """Let out of what is held what no value can be growing in any more; it is looked at before it goes."""
        self._held += text
        ready = self._ready(end=end)
        out, self._held = self._held[:ready], self._held[ready:]
        part = self._window.take(out)
        parts = [part] if part is not None else []
        made = [item for one in (*parts, *(self._window.flush() if end else ())) for item in self._judge(one)]
        if self._so_far is not None and (seen := self._so_far.add(out, end=end)) is not None:
            self._judge_call(seen)
        start, self._released = self._released, self._released + len(out)
        self._replacements += made
        return _with(out, made, offset=start)

    def _ready(self, *, end: bool) -> int:
        """How much of what is held may go: all, unless a line may redact it (or, of a tool's arguments, block them)."""
        if end or not (self._holds_all or self._redacts):
            return len(self._held)
        return 0 if self._holds_all else open_tail(self._held)

    def _judge_delta(self, text: str) -> None:
        """Plugins that look at each piece by itself."""
        kind = _KINDS.get(self._place.part, StreamKind.TEXT)
        event = StreamEvent(kind=kind, path=self._place.path, text=text)
        seen = self._engine.inspect_delta(event, self._exchange, self._place.part)
        if seen.findings or seen.failures:
            self._decided(seen, text, offset=self._released + len(self._held))

    def _judge_call(self, seen: Inspection) -> None:
        """What the answer so far shows of the call can end the stream; all else the record finds in the whole."""
        decision = self._policy.decide(seen.findings, self._subject, self._clock.now())
        if decision.verdict.action >= Action.CUT:
            self._decisions.append((decision, {}))
            raise RefusedStream(blocked(decision.verdict, seen.findings, self._call_id))

    def _judge(self, part: WindowSlice) -> list[Replacement]:
        """Look at new text with what stands before it; what is to be replaced of what has not gone out yet."""
        segment = Segment(part=self._place.part, path=self._place.path, text=part.text)
        seen = self._engine.look(segment, Direction.RESPONSE)
        if not seen.findings and not seen.failures:
            return []
        news = self._window.found(part, seen.findings)
        decision = self._decided(Inspection(findings=tuple(news), failures=seen.failures), part.text, base=part.offset)
        return self._replaced(decision.of(Action.REDACT), part)

    def _replaced(self, found: Iterable[Finding], part: WindowSlice) -> list[Replacement]:
        """Of a value that has gone out in part, the rest is replaced."""
        inside = [
            replace(item, start=max(item.start or 0, self._released) - part.offset, end=(item.end or 0) - part.offset)
            for item in found
            if not self._owns(part.text[(item.start or 0) - part.offset : (item.end or 0) - part.offset])
        ]
        return [
            Replacement(start=item.start + part.offset, end=item.end + part.offset, text=item.text)
            for item in replacements_of(inside, part.text, self._name)
        ]

    def _decided(
        self, seen: Inspection, text: str, *, offset: int = 0, base: int | None = None, keep: bool = True
    ) -> Decision:
        """Decide on findings; raises RefusedStream where the stream may not go on.

        `offset` is added to spans that are of a piece; with `base` they are of the whole, and `text` begins there.
        """
        findings = tuple(_shifted(item, offset) for item in seen.findings) if offset else seen.findings
        decision = self._policy.decide(findings, self._subject, self._clock.now())
        if keep:
            begin = offset if base is None else base
            values = {
                item.id: text[(item.start or 0) - begin : (item.end or 0) - begin] for item in findings if item.kind
            }
            self._decisions.append((decision, values))
        if decision.verdict.action >= Action.CUT:
            raise RefusedStream(blocked(decision.verdict, findings, self._call_id))
        if seen.failures:
            self._fail(seen.failures)
        return decision

    def _fail(self, failures: tuple[str, ...]) -> None:
        verdict = self._policy.on_failure(self._subject, Direction.RESPONSE, part=self._place.part)
        reason = f"detectors failed: {', '.join(failures)}"
        self._notes.append(
            Verdict(action=verdict.action, policy=self._policy.id, policy_line=verdict.policy_line, reason=reason)
        )
        if verdict.action is Action.BLOCK:
            raise RefusedStream(not_inspected(verdict, failures, self._call_id))


def _shifted(finding: Finding, by: int) -> Finding:
    return replace(finding, start=(finding.start or 0) + by, end=(finding.end or 0) + by)


def _with(text: str, made: Iterable[Replacement], *, offset: int = 0) -> str:
    pieces: list[str] = []
    done = 0
    for item in made:
        pieces += (text[done : item.start - offset], item.text)
        done = item.end - offset
    return "".join([*pieces, text[done:]])

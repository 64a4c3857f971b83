"""The guard of one call: its request ruled on before it goes out, its answer as it comes back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from midwatch_core.body_edits import Edit, UnsafeEditError, begins_a_form, edit_body
from midwatch_core.clock import Clock
from midwatch_core.enforcement.judging import Judge
from midwatch_core.enforcement.outcome import Ruled, not_redacted
from midwatch_core.enforcement.record import CallRecord, values_of
from midwatch_core.enforcement.redaction import echoes, redacted
from midwatch_core.enforcement.remembered import Remembered
from midwatch_core.enforcement.restoration import restoring_edits
from midwatch_core.enforcement.streaming import AnswerFilter
from midwatch_core.engine import Engine
from midwatch_core.masking import edits_of, without_values
from midwatch_core.model.content import Response
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Finding, Verdict
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.placeholders import Placeholders
from midwatch_core.policy import Decision, Policy, Subject
from midwatch_core.urlwatch import hosts_in
from midwatch_core.wire.decoding import DecodedResponse, decode_plain_response
from midwatch_core.wire.dialect import Dialect, Refusal

# Who speaks for the caller.
_CALLERS = frozenset({Part.SYSTEM, Part.USER})
# Dialects whose provider keeps the conversation, so that a later call may leave it out.
_REMEMBERING = frozenset({"openai.responses"})
# An answer's segments with their hashes, as sealing makes them.
type Hasher = Callable[[Iterable[Segment]], tuple[Segment, ...]]


class CallGuard:
    """One call under guard. `request` once; then `whole` or `answer_filter`s; `on` puts the record on the exchange."""

    def __init__(
        self,
        exchange: Exchange,
        dialect: Dialect,
        *,
        engine: Engine,
        policy: Policy,
        clock: Clock,
        remembered: Remembered,
        subject: Subject,
        names: Placeholders,
        hasher: Hasher,
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._clock = clock
        self._remembered = remembered
        self._exchange = exchange
        self._dialect = dialect
        self._subject = subject
        self._names = names
        self._hasher = hasher
        self._own: dict[str, str] = {}
        self._restorable: Mapping[str, str] = dict(names.values)
        self._hosts: frozenset[str] | None = None
        self._filters: list[AnswerFilter] = []
        self.record = CallRecord()
        self._judge = Judge(exchange, engine=engine, policy=policy, clock=clock, subject=subject, record=self.record)
        # Whether something passed that was to be redacted, and could not be.
        self.unredacted = False

    @property
    def id(self) -> str:
        """The call's id, by which refusals name it."""
        return self._exchange.id

    @property
    def placeholders(self) -> Mapping[str, str]:
        """Placeholder → value of all that was redacted in this call, or in one that it goes on from."""
        return self._names.values

    @property
    def restorable(self) -> Mapping[str, str]:
        """Those of the client's own values: what it may have back. What an answer brought in is not among them."""
        return self._restorable

    async def request(self, body: bytes) -> Ruled:
        """Rule on the request, whose plain body this is."""
        segments = self._exchange.request.segments
        judged = await self._judge.request()
        self.record.take(judged.decision, values_of(judged.decision, segments))
        if judged.refusal is not None:
            return Ruled(body=body, refusal=judged.refusal)
        ruled = self._redacted_request(body, judged.decision, segments)
        self._restorable = dict(self._names.values)
        return ruled

    async def reads(self, ruled: Callable[[str], bool]) -> Refusal | None:
        """Rule on a request whose texts came in messages before it: those that were `ruled` on then have been edited.

        Others (what the user was heard to say) can only be let through or keep the call from going out.
        """
        segments = self._exchange.request.segments
        judged = await self._judge.request()
        self.record.take(judged.decision, values_of(judged.decision, segments))
        if judged.refusal is not None:
            return judged.refusal
        texts = {segment.path: segment.text for segment in segments}
        missed = [item for item in judged.decision.of(Action.REDACT) if not ruled(texts.get(item.path or "", ""))]
        problems = [f"what {item.rule} found is in no message of the client's" for item in missed]
        return self._unredacted(judged.decision, problems, partly=False) if problems else None

    @property
    def edits_answers(self) -> bool:
        """Whether the answer may have to be changed, held or ended: something is to be restored, a line is for it, or
        models are about to speak of its request.
        """
        if self.overdue() is not None or self._judge.may_end or self.restorable:
            return True
        return self._policy.acts(self._subject, Direction.RESPONSE)

    def overdue(self) -> Refusal | None:
        """Why the call may not go on, where models that its request did not wait for have said so since.

        To be asked before each piece of the answer goes out: it costs nothing while there is nothing new.
        """
        return self._judge.overdue()

    async def whole(self, body: bytes, status: int) -> Ruled:
        """Rule on an answer sent in one piece, whose plain body this is."""
        ruled = await self._whole(body, status)
        overdue = self.overdue() if ruled.refusal is None else None
        return ruled if overdue is None else Ruled(body=body, refusal=overdue)

    async def _whole(self, body: bytes, status: int) -> Ruled:
        restored = body
        decoded = self._decoded(body, status)
        edits = restoring_edits(decoded, self.restorable, self.hosts) if self.restorable else []
        if edits:
            try:
                restored = edit_body(body, edits)
                decoded = self._decoded(restored, status)
            except UnsafeEditError as error:
                self.record.note(Verdict(action=Action.FLAG, policy=self._policy.id, reason=f"not restored: {error}"))
        if not self._policy.acts(self._subject, Direction.RESPONSE):
            return Ruled(body=restored, edited=restored != body)
        ruled = await self._rule_answer(restored, decoded.response)
        return replace(ruled, edited=ruled.body != body)

    def answer_filter(self, path: str, part: Part, json: bool) -> AnswerFilter:
        """The filter for one text of a streamed answer."""
        made = AnswerFilter(
            self._engine,
            self._policy,
            self._subject,
            Segment(part=part, path=path, text=""),
            json=json,
            clock=self._clock,
            name=self.name,
            owns=self.owns,
            values=self.restorable,
            hosts=self.hosts if self.restorable else frozenset(),
            call_id=self.id,
            exchange=self._exchange,
        )
        self._filters.append(made)
        return made

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that user and system name: values may go back into URLs to these.

        What tools and documents brought in does not count: that is where an attacker would name his.
        """
        if self._hosts is None:
            segments = self._exchange.request.segments
            self._hosts = hosts_in(item.text for item in segments if item.part in _CALLERS)
        return self._hosts

    def name(self, finding: Finding, text: str) -> str:
        """What stands instead of what was found: a plugin's own text, else a placeholder."""
        if self._engine.masks:
            key = f"{finding.kind}\0{text}"
            if key not in self._own:
                given = self._engine.mask(finding, text, self._exchange.identity)
                self._own[key] = given if given is not None else self._names.name(finding.kind, text)
            return self._own[key]
        return self._names.name(finding.kind, text)

    def owns(self, text: str) -> bool:
        """Whether an answer's text is a value of the client's own, put back: that is not hidden from it again."""
        return bool(text) and any(text in value for value in self.restorable.values())

    def on(self, exchange: Exchange) -> Exchange:
        """The finished exchange with what was found and decided, masked."""
        self._judge.conclude()
        for one in self._filters:
            one.report(self.record)
        self._filters.clear()
        answer_id = exchange.response.id if exchange.response is not None else None
        if answer_id and self.placeholders and self._dialect.id in _REMEMBERING:
            self._remembered.keep(exchange.identity.tenant, answer_id, self.placeholders, self.now())
        if not any(item.direction is Direction.RESPONSE for item in self.record.findings):
            exchange = without_values(exchange, self.restorable)
        return self.record.on(exchange, self._kept_name, self._judge.inspected, self._judge.classified)

    def failed(self, direction: Direction, reason: str) -> Verdict:
        """The guard itself could not do its work: what policy says then, noted."""
        verdict = self._policy.on_failure(self._subject, direction)
        self.record.note(replace(verdict, policy=self._policy.id, reason=reason))
        return verdict

    def unsendable(self, reason: str) -> Refusal:
        """A redacted request that nobody would take; unredacted it may not go out either. On record, and refused."""
        line = self.record.line_of(Action.REDACT)
        verdict = Verdict(action=Action.BLOCK, policy=self._policy.id, policy_line=line, reason=reason)
        self.record.note(verdict)
        return not_redacted(verdict, reason, self.id)

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    def _kept_name(self, finding: Finding, text: str) -> str:
        """In the record placeholders alone: the same as in what went out."""
        return self._names.name(finding.kind, text)

    def _decoded(self, body: bytes, status: int) -> DecodedResponse:
        return decode_plain_response(self._dialect, body, status, body_bytes=len(body), problem=None)

    async def _rule_answer(self, body: bytes, response: Response) -> Ruled:
        segments = self._hasher(response.segments)
        answered = replace(self._exchange, response=replace(response, segments=segments))
        judged = await self._judge.answer(answered, segments)
        values = values_of(judged.decision, segments)
        if judged.refusal is not None:
            self.record.take(judged.decision, values)
            return Ruled(body=body, refusal=judged.refusal)
        found = [item for item in judged.decision.of(Action.REDACT) if not self.owns(values.get(item.id, ""))]
        edits = edits_of(found, segments, self.name)
        edited, problems = redacted(body, edits)
        made = {edit.path: edit.replacements for edit in edits} if not problems else {}
        self.record.take(judged.decision, values, made)
        if problems and (refusal := self._unredacted(judged.decision, problems, partly=edited != body)):
            return Ruled(body=body, refusal=refusal)
        return Ruled(body=edited)

    def _redacted_request(self, body: bytes, decision: Decision, segments: Sequence[Segment]) -> Ruled:
        found = decision.of(Action.REDACT)
        if not found:
            return Ruled(body=body)
        edits = edits_of(found, segments, self.name)
        edited, problems = redacted(body, [*edits, *self._safe_echoes(body, edits)])
        missing = [item for item in found if item.path is None or item.start is None]
        problems += [f"{item.rule} names no place" for item in missing]
        if problems and begins_a_form(body):  # what can never be redacted may not go out either
            return Ruled(body=body, refusal=self.unsendable(problems[0]))
        if problems and (refusal := self._unredacted(decision, problems, partly=edited != body)):
            return Ruled(body=body, refusal=refusal)
        return Ruled(body=edited, edited=edited != body)

    def _safe_echoes(self, body: bytes, edits: Sequence[Edit]) -> list[Edit]:
        inside = tuple(f"{edit.path}/" for edit in edits)
        return [edit for edit in echoes(body, edits) if not edit.path.startswith(inside)]

    def _unredacted(self, decision: Decision, problems: Sequence[str], *, partly: bool) -> Refusal | None:
        """What the lines say of a redaction that can't be made: refuse, or pass and put it on record."""
        reason = f"not redacted: {'; '.join(dict.fromkeys(problems))}"[:300]
        self.unredacted = True
        closed = [
            ruling.line
            for ruling in decision.rulings
            if ruling.action is Action.REDACT and self._policy.fails_closed(ruling.line)
        ]
        if not closed and not partly:
            self.record.not_redacted(reason)
            return None
        verdict = Verdict(
            action=Action.BLOCK if closed else Action.FLAG,
            policy=self._policy.id,
            policy_line=closed[0] if closed else None,
            reason=reason,
        )
        self.record.note(verdict)
        return not_redacted(verdict, reason, self.id) if closed else None

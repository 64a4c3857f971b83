"""A call's answer on a socket: recorded message by message, and where something may act on it edited before that."""

from midwatch.proxy.answering import StreamRules, refusal_of_cut, uninspected
from midwatch.proxy.governing.metering import StreamMeter, metered
from midwatch_core.call import Call, ResponseHead
from midwatch_core.guarded import Guard
from midwatch_core.metrics import Metrics
from midwatch_core.model.finding import Action
from midwatch_core.model.segment import Direction
from midwatch_core.wire.editing.messages import MessageEditor
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.socket import MESSAGES, SocketDialect

_HEAD = ResponseHead(status=101, content_type=MESSAGES)


class SocketAnswer:
    """Called with each message of the answer; gives those that go out instead. `cut`: it was ended here."""

    def __init__(
        self,
        call: Call,
        dialect: SocketDialect,
        rules: StreamRules | None,
        meter: StreamMeter | None,
        *,
        guard: Guard,
        metrics: Metrics,
    ) -> None:
        self.call = call
        self.cut = False
        self._dialect = dialect
        self._rules = rules
        self._editor = None if rules is None else MessageEditor(dialect, metered(meter, rules.answer_filter))
        self._guard = guard
        self._metrics = metrics

    def __call__(self, message: bytes, at_s: float) -> list[bytes]:
        """Edit a message and put on record what the client gets of it, at monotonic seconds `at_s`."""
        out = [message] if self._editor is None else self._edited(self._editor, message)
        self._guard.value("watching.tap", self._record, out, at_s)
        return out

    def _record(self, out: list[bytes], at_s: float) -> None:
        if not self.call.answered:
            self.call.respond(_HEAD)
        for item in out:
            self.call.feed(item, at_s)

    def _edited(self, editor: MessageEditor, message: bytes) -> list[bytes]:
        outcome = self._guard.call("guarding.stream", self._fed, editor, message)
        if not outcome.ok:
            return self._given_up(message, f"{type(outcome.error).__name__}: {outcome.error}")
        out: list[bytes] = outcome.value
        if editor.cut_by is not None:
            refusal = refusal_of_cut(editor.cut_by, self.call.id)
            out += editor.cut(refusal) or self._refused(refusal)
            self.cut = True
        return out

    def _fed(self, editor: MessageEditor, message: bytes) -> list[bytes]:
        overdue = self._rules.overdue() if self._rules is not None else None
        if overdue is None:
            return editor.feed(message)
        self.cut = True
        return editor.cut(overdue) or self._refused(overdue)

    def _given_up(self, message: bytes, reason: str) -> list[bytes]:
        """An error of ours: the answer ends where a line says so, else the rest of it passes as it is."""
        rules, self._editor = self._rules, None
        self._metrics.add("midwatch_guard_failures_total", labels=("stream",))
        if rules is None or rules.failed(Direction.RESPONSE, reason).action is not Action.BLOCK:
            return [message]
        self.cut = True
        return self._refused(uninspected(self.call.id))

    def _refused(self, refusal: Refusal) -> list[bytes]:
        return list(self._dialect.refuse_on_socket(refusal))

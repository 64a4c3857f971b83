"""A streamed answer on its way through the filters: the callable that mitmproxy gives each chunk to."""

from collections.abc import Callable
from typing import Protocol

from mitmproxy import http

from midwatch.lean.cut_streams import CUT
from midwatch.proxy.governing.metering import METER, metered
from midwatch_core.call import Call, ResponseHead
from midwatch_core.enforcement.outcome import NOT_INSPECTED
from midwatch_core.enforcement.streaming import RefusedStream
from midwatch_core.guarded import Guard
from midwatch_core.metrics import Metrics
from midwatch_core.model.content import Operation
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.model.segment import Direction, Part
from midwatch_core.wire.binary import is_binary
from midwatch_core.wire.decompression import Decompressor
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.editing.cutting import Cutter, cutter_for
from midwatch_core.wire.editing.editor import StreamEditor, TextFilter


class StreamRules(Protocol):
    """What is asked about a streamed answer on its way: a `CallGuard`, or what stands for one."""

    def answer_filter(self, path: str, part: Part, json: bool) -> TextFilter:
        """The filter for one text of the answer."""
        ...

    def overdue(self) -> Refusal | None:
        """Why nothing more of the answer may go out, where that is known by now."""
        ...

    def failed(self, direction: Direction, reason: str) -> Verdict:
        """The answer could not be read: what is to be done then."""
        ...

    def now(self) -> float:
        """Monotonic seconds."""
        ...


class StreamedAnswer:
    """Called with each chunk, and with b"" at the end; gives the pieces that go out (none: []).

    Where the flow has a meter, its texts are counted before they are filtered.
    """

    def __init__(
        self,
        flow: http.HTTPFlow,
        call: Call,
        guard: StreamRules,
        cutter: Cutter,
        decompressor: Decompressor | None,
        *,
        settle: Callable[[], None],
        guarded: Guard,
        metrics: Metrics,
    ) -> None:
        self._flow = flow
        self._call = call
        self._guard = guard
        self._decompressor = decompressor
        self._editor = StreamEditor(call.dialect, cutter, metered(flow.metadata.get(METER), guard.answer_filter))
        self._settle = settle
        self._guarded = guarded
        self._metrics = metrics
        self._ended = False
        self._given_up = False

    def __call__(self, chunk: bytes) -> list[bytes]:
        """What goes out instead of `chunk`."""
        if self._ended:
            return []
        outcome = self._guarded.call("guarding.stream", self._edit, chunk)
        out = outcome.value if outcome.ok else self._give_up(chunk, f"{type(outcome.error).__name__}: {outcome.error}")
        self._guarded.call("watching.tap", self._record, out, end=not chunk)
        return [out] if out else []

    def _edit(self, chunk: bytes) -> bytes:
        if self._given_up:
            return chunk
        overdue = None if self._editor.over else self._guard.overdue()
        if overdue is not None:
            self._end()
            return self._editor.cut(overdue)
        if not chunk:
            out = self._editor.close()
        else:
            out = self._editor.feed(self._decompressor.feed(chunk) if self._decompressor is not None else chunk)
        cut = self._editor.cut_by
        if cut is not None:
            out += self._editor.cut(refusal_of_cut(cut, self._call.id))
            self._end()
        return out

    def _give_up(self, chunk: bytes, reason: str) -> bytes:
        """An error of ours: the stream ends where a line says so, else the rest of it passes as it is."""
        self._metrics.add("midwatch_guard_failures_total", labels=("stream",))
        verdict = self._guard.failed(Direction.RESPONSE, reason)
        # A compressed stream can't go on in clear, nor in a coding that its head no longer names.
        if verdict.action is Action.BLOCK or self._decompressor is not None:
            self._end()
            return self._call.dialect.refuse_in_stream(uninspected(self._call.id))
        self._given_up = True
        return chunk

    def _end(self) -> None:
        self._ended = True
        self._flow.metadata[CUT] = True

    def _record(self, out: bytes, *, end: bool) -> None:
        """Keep the record of what the client gets; journal it before its end goes out."""
        self._call.feed(out, self._guard.now())
        if end or self._ended or self._call.due:
            self._settle()


class RefusedAnswer:
    """Instead of a streamed answer that is refused at its head: the refusal goes out with the first that comes of it.

    The provider is told that nobody wants the rest.
    """

    def __init__(self, flow: http.HTTPFlow, body: bytes) -> None:
        self._flow = flow
        self._body = body

    def __call__(self, chunk: bytes) -> list[bytes]:
        """What goes out instead of `chunk`: all of ours, once."""
        body, self._body = self._body, b""
        self._flow.metadata[CUT] = True
        return [body] if body else []


def uninspected(call_id: str) -> Refusal:
    """The refusal of an answer that could not be looked at."""
    message = f"Midwatch could not inspect this answer. Request id: {call_id}"
    return Refusal(status=403, code=NOT_INSPECTED, message=message, request_id=call_id)


def refusal_of_cut(cut: Exception, call_id: str) -> Refusal:
    """What the client of an answer is told that was cut: by a filter's own refusal where it has one."""
    if isinstance(cut, RefusedStream):
        return cut.refusal
    return Refusal(
        status=403, code="blocked_by_policy", message=f"Cut by policy. Request id: {call_id}", request_id=call_id
    )


def cutter_of(call: Call, head: ResponseHead) -> Cutter | None:
    """How a streamed answer is cut into events; None for one that is sent whole.

    Where the content type does not tell (Gemini's array is JSON, some servers send none), what was asked for does.
    """
    if is_binary(head.content_type):
        return None
    cutter = cutter_for(head.content_type, asked_to_stream=call.request.stream, head=b"")
    if cutter is not None or not call.request.stream or head.status >= 400:
        return cutter
    if "json" not in head.content_type:
        return cutter_for("text/event-stream", asked_to_stream=True, head=b"")
    streams_arrays = call.dialect.operation is Operation.GENERATE_CONTENT
    return cutter_for("", asked_to_stream=True, head=b"[") if streams_arrays else None

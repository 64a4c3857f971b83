"""The reception: who comes, whether they may, and how each request ends: answered, refused, and counted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from midwatch_core import Access, Caller, Guard, Metrics, caller_showing
from midwatch_grpc.errors import UnknownCallerError
from midwatch_grpc.metrics import CALLS
from midwatch_grpc.refusal import OUR_FAULT, REFUSED, Refusal, refuse

_NO_KEY = "a key is needed: metadata authorization: Bearer mw_… or x-midwatch-key"


@dataclass(slots=True)
class Progress:
    """How many calls of a stream were taken so far."""

    taken: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """In front of every method. `access` None lets everybody in, as a listener of this machine alone does."""

    access: Access | None
    metrics: Metrics
    guard: Guard

    def caller(self, context: Any) -> Caller:
        """Who asks, by the metadata. Raises UnknownCallerError."""
        shown = dict(context.invocation_metadata() or ())
        caller = caller_showing(self.access, _text(shown.get("authorization")), _text(shown.get("x-midwatch-key")))
        if caller is None:
            raise UnknownCallerError(_NO_KEY)
        return caller

    def check_still(self, caller: Caller) -> None:
        """Raises UnknownCallerError where a caller who was let in may not come any more."""
        if self.access is not None and not self.access.still(caller):
            raise UnknownCallerError("the key was revoked, changed, or has expired")

    async def answer[Answer](
        self,
        method: str,
        context: Any,
        work: Callable[[Caller], Awaitable[Answer]],
        progress: Progress | None = None,
    ) -> Answer:
        """The answer of `work`; where it fails, the request is refused and this raises gRPC's AbortError."""
        code = "CANCELLED"  # by the client or its deadline: nothing else goes past what follows
        try:
            outcome = await self.guard.wait(f"grpc.{method}", self._worked, context, work)
            refusal = outcome.value if isinstance(outcome.value, Refusal) else None
            if not outcome.ok:
                refusal = OUR_FAULT
            if refusal is not None:
                code = refusal.code.name
            elif not _left(context):
                code = "OK"
        finally:
            self.metrics.add(CALLS, 1, (method, code))
        if refusal is not None:
            await refuse(context, refusal, taken=None if progress is None else progress.taken)
        answer: Answer = outcome.value
        return answer

    async def _worked[Answer](self, context: Any, work: Callable[[Caller], Awaitable[Answer]]) -> Answer | Refusal:
        try:
            return await work(self.caller(context))
        except REFUSED as error:
            return Refusal.of(error)


def _left(context: Any) -> bool:
    """Whether the client, or its deadline, ended the call. A stream may show its end before the call is cancelled."""
    remaining = context.time_remaining()
    return context.cancelled() or (remaining is not None and remaining <= 0)


def _text(value: object) -> str | None:
    """A metadata value; those of names that end in -bin are bytes, and no key."""
    return value if isinstance(value, str) else None

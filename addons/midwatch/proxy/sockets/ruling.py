"""What may go out on a socket: limits and policy are asked before a message is relayed. Beside `conversing`."""

from mitmproxy.websocket import WebSocketMessage

from midwatch.proxy.settling import Settling
from midwatch.proxy.watching import OVERSIZE
from midwatch_core.call import Call
from midwatch_core.enforcement import CallGuard, Ruled, SocketGuard
from midwatch_core.guarded import Guard
from midwatch_core.model.segment import Direction
from midwatch_core.sealing import Sealers
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.socket import SocketDialect


class SocketRuling:
    """One idea: a message waits until it is known whether it may go out, and with which of its texts.

    A message is ruled on by its own texts; the call that it begins, or that a server begins by itself, by all that the
    model reads.
    """

    def __init__(
        self, dialect: SocketDialect, settling: Settling, *, sealers: Sealers, guard: Guard, max_bytes: int
    ) -> None:
        self._dialect = dialect
        self._guarding = settling.guarding
        self._governing = settling.governing
        self._sealers = sealers
        self._guard = guard
        self._max_bytes = max_bytes
        self._of_tenant: tuple[str, SocketGuard] | None = None

    @property
    def needed(self) -> bool:
        """Whether anything could be said against a message."""
        return self._guarding.enforcer.may_act or bool(self._governing.governor.rules)

    async def message(
        self, message: WebSocketMessage, own: Call | None, call: Call | None
    ) -> tuple[Refusal, Call] | None:
        """Rule on a message, and redact it; why it may not go out, and the call that is to be journalled as refused.

        `own` stands for what the message itself says, `call` for the call that it begins; both may be the same.
        """
        if call is not None and (refusal := await self._admit(call, message)) is not None:
            return refusal, call
        if own is not None and (refusal := await self._redact(message, own)) is not None:
            if call is not None and call is not own:
                own.governed, call.governed = call.governed, None
            return refusal, own
        if own is not None and own is not call and own.guard is not None:
            self._socket(own).note(own.guard)
        if call is not None and call is not own and (refusal := await self._reads(call)) is not None:
            return refusal, call
        return None

    async def begun(self, call: Call, message: WebSocketMessage) -> Refusal | None:
        """Rule on a call that the server begins by itself; why it may not go on."""
        return await self._admit(call, message) or await self._reads(call)

    async def _admit(self, call: Call, message: WebSocketMessage) -> Refusal | None:
        if not self._governing.governor.rules:
            return None
        return await self._governing.admit_message(call, len(message.content))

    async def _redact(self, message: WebSocketMessage, own: Call) -> Refusal | None:
        socket = self._socket(own)
        guard = own.guard = socket.guard(own.opened())
        if guard is None:
            return None
        if len(message.content) > self._max_bytes:
            return self._guarding.unable(guard, Direction.REQUEST, OVERSIZE)
        outcome = await self._guard.wait("guarding.request", guard.request, message.content)
        if not outcome.ok:
            return self._guarding.unable(guard, Direction.REQUEST, _said(outcome.error))
        ruled: Ruled = outcome.value
        if ruled.edited:
            message.content = ruled.body
        if ruled.refusal is None:
            socket.passed(guard, own.request.segments)
        return ruled.refusal

    async def _reads(self, call: Call) -> Refusal | None:
        socket = self._socket(call)
        guard: CallGuard | None = socket.guard(call.opened())
        call.guard = guard
        if guard is None:
            return None
        outcome = await self._guard.wait("guarding.request", socket.reads, guard)
        if not outcome.ok:
            return self._guarding.unable(guard, Direction.REQUEST, _said(outcome.error))
        refusal: Refusal | None = outcome.value
        return refusal

    def _socket(self, call: Call) -> SocketGuard:
        """The guard of the socket; a new one should its client's key be another tenant's by now."""
        tenant = call.identity.tenant
        if self._of_tenant is None or self._of_tenant[0] != tenant:
            hasher = self._sealers.of(tenant).segments
            self._of_tenant = tenant, SocketGuard(self._guarding.enforcer, self._dialect, hasher)
        return self._of_tenant[1]


def _said(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"

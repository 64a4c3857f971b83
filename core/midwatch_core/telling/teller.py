"""The teller: a batch of told calls, whole, as sealed exchanges; nothing of it has been inspected or stored yet."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.guarded import called, said
from midwatch_core.intake import IntakeError, ToldCall, WireCall
from midwatch_core.model.exchange import Exchange
from midwatch_core.sealing import Sealers
from midwatch_core.telling.checks import check_numbers
from midwatch_core.telling.moment import began, told_id
from midwatch_core.telling.plain_call import plain_exchange
from midwatch_core.telling.sender import Sender
from midwatch_core.telling.stamp import Stamp
from midwatch_core.telling.wire_call import WireReader
from midwatch_core.wire.catalogue import Catalogue
from midwatch_core.wire.dialect import Dialect


class Teller:
    """Makes exchanges of calls, for one thread at a time. `own_sessions` are headers that name a conversation."""

    def __init__(
        self,
        catalogue: Catalogue,
        dialects: Mapping[str, Dialect],
        sealers: Sealers,
        *,
        own_sessions: tuple[str, ...] = (),
    ) -> None:
        self._wire = WireReader(catalogue, dialects, own_sessions=own_sessions)
        self._sealers = sealers

    def exchanges(self, calls: Sequence[ToldCall], sender: Sender, now: datetime) -> list[Exchange]:
        """The exchanges, in order. Raises IntakeError with the index of the first call at fault, AccessDeniedError."""
        made: list[Exchange] = []
        for index, call in enumerate(calls):
            # A dialect may be a stranger's.
            outcome = called("telling", self._exchange, call, sender, now)
            if isinstance(outcome.error, AccessDeniedError):
                raise outcome.error
            if outcome.error is not None:
                raise _refusal(outcome.error, index) from outcome.error
            made.append(outcome.value)
        return made

    def _exchange(self, call: ToldCall, sender: Sender, now: datetime) -> Exchange:
        check_numbers(call)
        at = began(call, now)
        identity = sender.identity(call.whose, _user_agent(call))
        stamp = Stamp(
            id=told_id(identity.tenant, call.whose.key, at),
            at=at,
            identity=identity,
            sealer=self._sealers.of(identity.tenant),
        )
        return self._wire.exchange(call, stamp) if isinstance(call, WireCall) else plain_exchange(call, stamp)


def _refusal(error: BaseException, index: int) -> IntakeError:
    return IntakeError(str(error) if isinstance(error, IntakeError) else f"call: not read: {said(error)}", index=index)


def _user_agent(call: ToldCall) -> str | None:
    if not isinstance(call, WireCall):
        return None
    return next((value for name, value in call.request_headers.items() if name.lower() == "user-agent"), None)

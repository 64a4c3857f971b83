"""The guard of one socket: what its calls share, for a message may bring what only a later call asks about."""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

from midwatch_core.enforcement.enforcer import Enforcer
from midwatch_core.enforcement.guard import CallGuard, Hasher
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Verdict
from midwatch_core.model.segment import Segment
from midwatch_core.wire.dialect import Dialect, Refusal

# A conversation longer than this begins anew: older texts are looked at again, older values are not restored.
_MOST_TEXTS = 4096
_MOST_VALUES = 10_000
_MOST_NOTES = 64


class SocketGuard:
    """Makes the guards of a socket's messages and calls, and remembers for the calls to come.

    That is: which texts were ruled on when they came, which placeholders stand in them, and what could not be looked
    at. The provider keeps the conversation for as long as the socket lives, and so does this.
    """

    def __init__(self, enforcer: Enforcer, dialect: Dialect, hasher: Hasher) -> None:
        self._enforcer = enforcer
        self._dialect = dialect
        self._hasher = hasher
        self._ruled: OrderedDict[bytes, None] = OrderedDict()
        self._values: OrderedDict[str, str] = OrderedDict()
        self._notes: list[Verdict] = []

    def guard(self, opened: Exchange) -> CallGuard | None:
        """The guard of a message or a call; None where no line of policy could do more than record it."""
        return self._enforcer.guard(opened, self._dialect, self._hasher, known=self._values)

    def passed(self, guard: CallGuard, texts: Iterable[Segment]) -> None:
        """A message with these texts was ruled on by this guard, and goes out."""
        for segment in () if guard.unredacted else texts:
            self._ruled[_digest(segment.text)] = None
        self._values.update(guard.restorable)
        _trim(self._ruled, _MOST_TEXTS)
        _trim(self._values, _MOST_VALUES)

    def note(self, guard: CallGuard) -> None:
        """The message began no call: what its guard could not do is put on record with the next one."""
        self._notes = [*self._notes, *guard.record.notes][-_MOST_NOTES:]

    async def reads(self, guard: CallGuard) -> Refusal | None:
        """Rule on a call whose texts came before it: they went out as their own messages were ruled on."""
        notes, self._notes = self._notes, []
        for note in notes:
            guard.record.note(note)
        return await guard.reads(lambda text: _digest(text) in self._ruled)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _trim(kept: "OrderedDict[bytes, None] | OrderedDict[str, str]", most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)

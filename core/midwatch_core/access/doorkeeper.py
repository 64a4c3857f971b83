"""The doorkeeper: who comes to a face (console, REST, gRPC), by the key they show."""

from collections.abc import Callable

from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.directory import Directory
from midwatch_core.access.shown import Denied
from midwatch_core.clock import Clock


class Doorkeeper:
    """The `Access` of faces. It asks for the directory each time, so that a key revoked now opens nothing now."""

    def __init__(self, directory: Callable[[], Directory], clock: Clock, *, required: bool) -> None:
        self._directory = directory
        self._clock = clock
        self._required = required

    @property
    def required(self) -> bool:
        """Whether a key is asked for; where none is, every caller is LOCAL."""
        return self._required

    def caller(self, key: str) -> Caller | None:
        """The caller who holds this key; None for one that is unknown, expired or revoked."""
        found = self._directory().holder(key, self._clock.now())
        return None if isinstance(found, Denied) else Caller(name=found.id, role=found.role, tenant=found.tenant)

    def still(self, caller: Caller) -> bool:
        """Whether a caller of before may still come: its key is there, valid, and of the same role and tenant."""
        if caller == LOCAL:
            return not self._required
        key = self._directory().key(caller.name)
        if key is None or not key.valid_at(self._clock.now()):
            return False
        return (key.role, key.tenant) == (caller.role, caller.tenant)

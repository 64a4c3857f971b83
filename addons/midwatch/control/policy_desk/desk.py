"""The desk itself: who may ask, and what is read, checked, tried and changed for them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import islice

from midwatch.control.policy_desk.publishing import MAX_VERSIONS, Publishing
from midwatch.control.policy_desk.trying import tried
from midwatch.home import Home
from midwatch.packs import known_detectors
from midwatch.published_file import PUBLISHED
from midwatch.settings import policy_is_shipped, shipped_policies
from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.clock import Clock
from midwatch_core.errors import ConfigError
from midwatch_core.hosting import Plugins
from midwatch_core.model.document import PolicyVersion
from midwatch_core.policy import Policy, PolicyError
from midwatch_core.policy_desk import PolicyCheck, PolicyDeskError, PolicyStanding, Simulation
from midwatch_core.policy_doubts import Known, doubts
from midwatch_core.policy_file import read_policy
from midwatch_core.ports import MetadataRepository
from midwatch_core.queries import Queries
from midwatch_core.triaging import MAX_NOTE

MAX_TEXT_BYTES = 256 * 1024
"""A policy that is published has at most so many: versions are kept for ever, and shown on pages."""
_MOST_DOUBTS = 100
_TEXT = "policy"


class Desk:
    """`PolicyDesk`, in control and in commands where none lives. `in_use` gives the policy that is in use here."""

    def __init__(
        self,
        *,
        home: Home,
        plugins: Plugins,
        publishing: Publishing,
        metadata: MetadataRepository,
        queries: Queries,
        clock: Clock,
        in_use: Callable[[], Policy],
    ) -> None:
        self._home = home
        self._plugins = plugins
        self._publishing = publishing
        self._metadata = metadata
        self._queries = queries
        self._clock = clock
        self._in_use = in_use
        self._known: Known | None = None

    def forget(self) -> None:
        """Packs may be new: they are read again when a policy is checked next."""
        self._known = None

    async def standing(self, caller: Caller) -> PolicyStanding:
        """See `PolicyDesk`."""
        _check(caller, Permission.READ)
        policy = self._in_use()
        newest = await self._metadata.policy_versions(policy.id, limit=1)
        return PolicyStanding(
            id=policy.id,
            text=policy.text,
            source=self._source(policy.name),
            version=newest[0].version if newest and newest[0].text == policy.text else None,
            read_only=self._publishing.read_only(),
        )

    async def shipped(self, caller: Caller) -> Mapping[str, str]:
        """See `PolicyDesk`."""
        _check(caller, Permission.READ)
        try:
            found = await asyncio.to_thread(shipped_policies, self._plugins)
        except ConfigError as error:
            raise PolicyDeskError(str(error)) from error
        return {name: data.decode("utf-8", "replace") for name, data in sorted(found.items())}

    async def versions(self, caller: Caller, *, limit: int = 100) -> Sequence[PolicyVersion]:
        """See `PolicyDesk`."""
        _check(caller, Permission.READ)
        return await self._metadata.policy_versions(self._in_use().id, limit=max(1, min(limit, MAX_VERSIONS)))

    async def version(self, caller: Caller, number: int) -> PolicyVersion:
        """See `PolicyDesk`."""
        _check(caller, Permission.READ)
        return await self._publishing.version(self._in_use().id, number)

    async def check(self, caller: Caller, text: str) -> PolicyCheck:
        """See `PolicyDesk`."""
        _check(caller, Permission.READ)
        today = self._clock.now().date()
        try:
            return await asyncio.to_thread(self._checked, _bytes(text), today)
        except (PolicyError, PolicyDeskError) as error:
            return PolicyCheck(problems=(str(error),), doubts=())

    async def simulate(
        self, caller: Caller, text: str, *, since: datetime, until: datetime | None = None, limit: int = 1000
    ) -> Simulation:
        """See `PolicyDesk`."""
        if not caller.may(Permission.READ):
            raise AccessDeniedError(f"a key of the role {caller.role} reads nothing")
        policy = await self._load(text)
        return await tried(policy, self._queries.within(caller.scope), since=since, until=until, limit=limit)

    async def publish(self, caller: Caller, text: str, *, note: str = "") -> PolicyVersion:
        """See `PolicyDesk`."""
        _check(caller, Permission.OPERATE)
        if len(note) > MAX_NOTE:
            raise PolicyDeskError(f"a note has at most {MAX_NOTE:,} characters")
        return await self._publishing.publish(
            caller, await self._load(text), action="policy.publish", note=note.strip()
        )

    async def roll_back(self, caller: Caller, version: int) -> PolicyVersion:
        """See `PolicyDesk`."""
        _check(caller, Permission.OPERATE)
        found = await self.version(caller, version)
        return await self._publishing.publish(
            caller, await self._load(found.text), action="policy.roll_back", note=f"to version {version}"
        )

    async def withdraw(self, caller: Caller) -> None:
        """See `PolicyDesk`."""
        _check(caller, Permission.OPERATE)
        await self._publishing.withdraw(caller)

    async def _load(self, text: str) -> Policy:
        """The policy of a text. Reading is slow for the largest: in a thread, calls of others go on."""
        try:
            return await asyncio.to_thread(Policy.load, _bytes(text), _TEXT)
        except PolicyError as error:
            raise PolicyDeskError(str(error)) from error

    def _checked(self, data: bytes, today: date) -> PolicyCheck:
        policy = read_policy(data, _TEXT)
        try:
            known = self._known = self._known or known_detectors(self._plugins, self._home)
        except (ConfigError, OSError) as error:
            return PolicyCheck(problems=(), doubts=(f"what rules there are can't be told: {error}",))
        return PolicyCheck(problems=(), doubts=tuple(islice(doubts(policy, known, today), _MOST_DOUBTS)))

    def _source(self, name: str) -> str:
        if name == PUBLISHED:
            return PUBLISHED
        return "shipped" if policy_is_shipped(self._plugins, name) else "file"


def _bytes(text: str) -> bytes:
    """The text as it is read. Raises PolicyDeskError."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise PolicyDeskError(f"{_TEXT}: half a character at {error.start}: not Unicode") from error
    if len(data) > MAX_TEXT_BYTES:
        raise PolicyDeskError(f"{_TEXT}: {len(data):,} bytes; one that is published has at most {MAX_TEXT_BYTES:,}")
    return data


def _check(caller: Caller, permission: Permission) -> None:
    if not caller.may(permission):
        raise AccessDeniedError(f"a key of the role {caller.role} may not {permission} here")
    if caller.tenant is not None:
        raise AccessDeniedError(f"{caller.name} is of the tenant {caller.tenant}, and the policy is for all")

"""Publishing: a policy is kept as a version, put on record, told to other nodes, and written for all processes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from midwatch.home import Home
from midwatch.published_file import Published, read_published, remove_published, write_published
from midwatch_core.access.caller import Caller
from midwatch_core.clock import Clock
from midwatch_core.errors import ConfigError
from midwatch_core.ids import uuid7
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.document import PolicyVersion
from midwatch_core.policy import Policy
from midwatch_core.policy_desk import PolicyDeskError
from midwatch_core.ports import MetadataRepository

SETTING = "policy_published"
"""This setting says what is published, for all nodes of one store."""
# Versions of one policy that can be gone back to: the newest.
MAX_VERSIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notice:
    """What the setting says: this version is published, or with an empty `id` none is."""

    stamp: str
    id: str = ""
    version: int = 0

    @property
    def text(self) -> str:
        return orjson.dumps({"stamp": self.stamp, "id": self.id, "version": self.version}).decode()


class Publishing:
    """Changes what is published, one change at a time.

    `read_only` says why nothing may be published, `changed` is awaited when processes are to read the file again, and
    `in_use` gives the policy that this process goes by.
    """

    def __init__(
        self,
        home: Home,
        metadata: MetadataRepository,
        clock: Clock,
        *,
        read_only: Callable[[], str | None],
        changed: Callable[[], Awaitable[None]],
        in_use: Callable[[], Policy],
    ) -> None:
        self._home = home
        self._metadata = metadata
        self._clock = clock
        self.read_only = read_only
        self._changed = changed
        self._in_use = in_use
        self._seen: str | None = None
        self._lock = asyncio.Lock()

    async def publish(self, caller: Caller, policy: Policy, *, action: str, note: str = "") -> PolicyVersion:
        """Put a policy into use everywhere; the version that it became. Raises PolicyDeskError and StorageError."""
        async with self._lock:
            self._check()
            if (here := self._here()) is not None and here.text == policy.text:
                raise PolicyDeskError(f"this is what is published already, as version {here.version}")
            now = self._clock.now()
            kept = await self._metadata.keep_policy(policy.id, policy.text, author=caller.name, at=now)
            details = {"version": str(kept.version), **({"note": note} if note else {})}
            await self._record(caller, action, policy.id, details)
            notice = _Notice(stamp=uuid7(now.timestamp()), id=policy.id, version=kept.version)
            await self._tell(notice)
            await self._take(_published(kept, notice))
            if self._in_use().text != policy.text:
                raise PolicyDeskError(
                    f"it is kept as version {kept.version}, and is not in use here: the log says what can't be read"
                )
            return kept

    async def withdraw(self, caller: Caller) -> None:
        """Publish nothing any more. Raises PolicyDeskError and StorageError."""
        async with self._lock:
            self._check()
            notice = _notice(await self._metadata.setting(SETTING))
            if not self._home.published_policy.exists() and not (notice and notice.id):
                raise PolicyDeskError("no policy is published: the one in use is what the configuration names")
            await self._record(caller, "policy.withdraw", notice.id if notice else "", {})
            await self._tell(_Notice(stamp=uuid7(self._clock.now().timestamp())))
            await self._take(None)

    async def follow(self) -> None:
        """Take what another node published or withdrew. Raises PolicyDeskError, ConfigError and StorageError."""
        async with self._lock:
            said = await self._metadata.setting(SETTING)
            notice = _notice(said)
            if notice is None or said == self._seen or self.read_only() is not None:
                return
            if notice.id:
                await self._follow(notice, said)
            elif self._home.published_policy.exists():
                await self._take(None)
            self._seen = said

    async def version(self, policy_id: str, number: int) -> PolicyVersion:
        """A version of a policy. Raises PolicyDeskError where it is not among the newest MAX_VERSIONS, StorageError."""
        newest = await self._metadata.policy_versions(policy_id, limit=1)
        back = newest[0].version - number if newest else -1
        if number >= 1 and 0 <= back < MAX_VERSIONS:
            for found in await self._metadata.policy_versions(policy_id, limit=back + 1):
                if found.version == number:
                    return found
        raise PolicyDeskError(f"the policy {policy_id} has no version {number} among its newest {MAX_VERSIONS:,}")

    async def _follow(self, notice: _Notice, said: str | None) -> None:
        if (here := self._here()) is not None and here.stamp == notice.stamp:
            return
        kept = await self.version(notice.id, notice.version)
        try:
            Policy.load(kept.text.encode("utf-8", "replace"), f"{kept.name}, version {kept.version}")
        except ConfigError:
            self._seen = said  # a text never changes: it is said once
            raise
        await self._take(_published(kept, notice))

    def _here(self) -> Published | None:
        """What this node has; a damaged file is as good as none, for another is about to take its place."""
        try:
            return read_published(self._home)
        except ConfigError:
            return None

    def _check(self) -> None:
        if (why := self.read_only()) is not None:
            raise PolicyDeskError(why)

    async def _record(self, caller: Caller, action: str, policy_id: str, details: dict[str, str]) -> None:
        await self._metadata.append_audit(
            AuditRecord(
                at=self._clock.now(), actor=caller.name, action=action, subject=policy_id or "policy", details=details
            )
        )

    async def _tell(self, notice: _Notice) -> None:
        await self._metadata.keep_setting(SETTING, notice.text)

    async def _take(self, published: Published | None) -> None:
        """Put it where processes read it, and have them read it."""
        try:
            if published is None:
                remove_published(self._home)
            else:
                write_published(self._home, published)
        except OSError as error:
            raise PolicyDeskError(
                f"{self._home.published_policy}: {error.strerror}; other nodes have been told all the same"
            ) from error
        await self._changed()


def _published(kept: PolicyVersion, notice: _Notice) -> Published:
    return Published(id=kept.name, version=kept.version, text=kept.text, author=kept.author, stamp=notice.stamp)


def _notice(said: str | None) -> _Notice | None:
    """What a setting says; None where there is none, or nothing that this version of Midwatch reads."""
    try:
        document = orjson.loads(said or "")
        return _Notice(stamp=str(document["stamp"]), id=str(document["id"]), version=int(document["version"]))
    except (ValueError, KeyError, TypeError):
        return None

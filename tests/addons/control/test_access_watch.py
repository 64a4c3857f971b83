"""Keeping tenants and keys current: for workers by the file, for faces at once, across nodes, without the store."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from midwatch.access_file import read_access
from midwatch.control import access_watch
from midwatch.control.access_watch import AccessWatch
from midwatch.home import Home
from midwatch_core.access.administering import Administration, KeyWish
from midwatch_core.access.caller import LOCAL
from midwatch_core.access.directory import Directory
from midwatch_core.access.shown import Denial, Denied
from midwatch_core.clock import SystemClock
from midwatch_core.errors import ConfigError, StorageUnavailableError
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.tenant import Tenant
from midwatch_memory.metadata import MemoryMetadata
from tests.addons.control.conftest import until

CLOCK = SystemClock()
DEFAULT = Tenant(name="default", created_at=CLOCK.now(), configured=True)
CLIENT = KeyWish(role=AccessRole.CLIENT)


class Metadata(MemoryMetadata):
    """A store that can be away, and counts how often all keys are read."""

    away = False
    fails_after_a_change = False
    reads = 0

    async def setting(self, key: str) -> str | None:
        self._check()
        return await super().setting(key)

    async def keys(self) -> list[ApiKey]:
        self._check()
        self.reads += 1
        return list(await super().keys())

    async def keep_setting(self, key: str, value: str) -> None:
        if self.fails_after_a_change:
            raise StorageUnavailableError("the store went away")
        await super().keep_setting(key, value)

    def _check(self) -> None:
        if self.away:
            raise StorageUnavailableError("the store is away")


@dataclass
class Node:
    """One node: its home, its watch, and how often its workers were told."""

    home: Home
    metadata: Metadata
    configured: list[Tenant] = field(default_factory=lambda: [DEFAULT])
    told: int = 0

    def __post_init__(self) -> None:
        self.home.prepare()
        self.watch = AccessWatch(self.home, self.metadata, lambda: self.configured, self._tell)
        self.administration = Administration(
            self.metadata, CLOCK, configured=lambda: self.configured, changed=self.watch.refresh
        )

    async def _tell(self) -> None:
        self.told += 1

    def workers(self) -> Directory:
        """What a worker reads."""
        return read_access(self.home, self.configured)


@pytest.fixture
async def metadata() -> AsyncIterator[Metadata]:
    made = Metadata()
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def node(tmp_path: Path, metadata: Metadata) -> Node:
    return Node(Home(tmp_path / "home"), metadata)


async def test_a_first_start_writes_the_file_for_its_owner_alone(node: Node) -> None:
    assert node.workers() == Directory(tenants=(DEFAULT,))
    await node.watch.start()
    assert node.home.directory.stat().st_mode & 0o777 == 0o600
    assert node.workers() == node.watch.directory() == Directory(tenants=(DEFAULT,))
    assert node.told == 1


async def test_a_change_of_our_own_is_there_at_once(node: Node) -> None:
    await node.watch.start()
    made = await node.administration.create_key(LOCAL, CLIENT)
    assert node.workers().holder(made.text, CLOCK.now()) == made.key
    await node.administration.revoke_key(LOCAL, made.key.id)
    for directory in (node.workers(), node.watch.directory()):
        assert directory.holder(made.text, CLOCK.now()) == Denied(why=Denial.REVOKED_KEY, key_id=made.key.id)
    assert made.text not in node.home.directory.read_text()
    assert node.told == 3


async def test_a_change_of_another_node_is_noticed_by_its_version_alone(
    node: Node, metadata: Metadata, tmp_path: Path
) -> None:
    other = Node(Home(tmp_path / "other"), metadata)
    await node.watch.start()
    await other.watch.start()
    made = await other.administration.create_key(LOCAL, CLIENT)
    assert isinstance(node.workers().holder(made.text, CLOCK.now()), Denied)
    await node.watch.look()
    assert node.workers().holder(made.text, CLOCK.now()) == made.key
    reads, written = metadata.reads, node.home.directory.stat().st_ino
    await node.watch.look()
    assert (metadata.reads, node.home.directory.stat().st_ino, node.told) == (reads, written, 2)


async def test_it_looks_by_itself(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_watch, "_LOOK_S", 0.005)
    other = Node(Home(tmp_path / "other"), node.metadata)
    await node.watch.start()
    looking = asyncio.create_task(node.watch.run())
    await other.administration.create_key(LOCAL, CLIENT)
    await until(lambda: len(node.workers().keys) == 1)
    await other.administration.create_key(LOCAL, CLIENT)
    await until(lambda: len(node.workers().keys) == 2)
    looking.cancel()


async def test_a_change_whose_version_was_not_kept_is_noticed_all_the_same(
    node: Node, metadata: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_watch, "_LOOK_S", 0.001)
    other = Node(Home(tmp_path / "other"), metadata)
    made = await node.administration.create_key(LOCAL, CLIENT)
    await other.watch.start()
    metadata.fails_after_a_change = True
    with pytest.raises(StorageUnavailableError):
        await node.administration.revoke_key(LOCAL, made.key.id)
    assert isinstance(node.workers().holder(made.text, CLOCK.now()), Denied)
    assert other.workers().holder(made.text, CLOCK.now()) == made.key
    looking = asyncio.create_task(other.watch.run())
    await until(lambda: isinstance(other.workers().holder(made.text, CLOCK.now()), Denied))
    looking.cancel()


async def test_what_did_not_change_is_not_written(node: Node) -> None:
    await node.watch.start()
    written = node.home.directory.stat().st_ino
    await node.watch.refresh()
    assert node.home.directory.stat().st_ino == written
    assert node.told == 1


async def test_the_configurations_tenants_are_read_again(node: Node) -> None:
    await node.watch.start()
    node.configured.append(replace(DEFAULT, name="acme", networks=("10.0.0.0/8",)))
    await node.watch.refresh()
    assert node.workers().by_network("10.0.0.1") == "acme"
    node.configured.pop()
    await node.watch.refresh()
    assert node.workers().by_network("10.0.0.1") is None


async def test_with_the_store_away_the_last_stays_in_force(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    await node.watch.start()
    made = await node.administration.create_key(LOCAL, CLIENT)
    node.metadata.away = True
    heir = Node(node.home, node.metadata)
    with caplog.at_level(logging.INFO):
        await heir.watch.start()
        for _ in range(3):
            await heir.watch.look()
        assert heir.watch.directory().holder(made.text, CLOCK.now()) == made.key
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        node.metadata.away = False
        await node.administration.revoke_key(LOCAL, made.key.id)
        await heir.watch.look()
    assert isinstance(heir.watch.directory().holder(made.text, CLOCK.now()), Denied)
    assert "known again" in caplog.records[-1].message


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format": 1}', b"\xff"])
async def test_a_damaged_file_opens_nothing_and_is_written_anew(node: Node, data: bytes) -> None:
    await node.watch.start()
    made = await node.administration.create_key(LOCAL, CLIENT)
    node.home.directory.write_bytes(data)
    with pytest.raises(ConfigError, match=r"directory\.json"):
        node.workers()
    node.metadata.away = True
    heir = Node(node.home, node.metadata)
    await heir.watch.start()
    assert heir.watch.directory() == Directory(tenants=(DEFAULT,))
    node.metadata.away = False
    await heir.watch.look()
    assert heir.workers().holder(made.text, CLOCK.now()) == made.key


async def test_what_cannot_be_written_is_tried_again_and_faces_know_it_already(node: Node) -> None:
    await node.watch.start()
    node.home.directory.unlink()
    (node.home.directory / "in the way").mkdir(parents=True)
    made = await node.administration.create_key(LOCAL, CLIENT)
    assert node.watch.directory().holder(made.text, CLOCK.now()) == made.key
    assert node.told == 1
    (node.home.directory / "in the way").rmdir()
    node.home.directory.rmdir()
    await node.watch.look()
    assert node.workers().holder(made.text, CLOCK.now()) == made.key
    assert node.told == 2


def test_a_file_that_cannot_be_read_is_named(node: Node) -> None:
    node.home.directory.mkdir()
    with pytest.raises(ConfigError, match=r"directory\.json: Is a directory"):
        node.workers()

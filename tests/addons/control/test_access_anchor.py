"""The anchor of the audit log: it moves on with the log, and stays where the log does not go on from it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from midwatch.control.anchoring import AnchoredMetadata, AnchorFile, anchored
from midwatch.home import Home
from midwatch_core.access.audit_verifying import Anchor, verify_audit
from midwatch_core.clock import SystemClock
from midwatch_core.errors import ConfigError
from midwatch_core.model.audit import AuditRecord
from midwatch_core.ports import MetadataRepository
from midwatch_core.testing.metadata_contract import MetadataRepositoryContract
from midwatch_memory.metadata import MemoryMetadata

CLOCK = SystemClock()


def record(subject: str) -> AuditRecord:
    return AuditRecord(at=CLOCK.now(), actor="test", action="try", subject=subject)


@pytest.fixture
async def metadata() -> AsyncIterator[MemoryMetadata]:
    made = MemoryMetadata()
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def file(tmp_path: Path) -> AnchorFile:
    return AnchorFile(tmp_path / "audit.anchor")


class TestAnchoredMetadata(MetadataRepositoryContract):
    """All that it passes on arrives."""

    @pytest.fixture
    async def repository(self, metadata: MemoryMetadata, file: AnchorFile) -> MetadataRepository:
        return AnchoredMetadata(metadata, file)


async def test_it_is_the_last_entry_of_all_that_were_appended(metadata: MemoryMetadata, file: AnchorFile) -> None:
    assert file.read() is None
    store = AnchoredMetadata(metadata, file)
    entries = await asyncio.gather(*(store.append_audit(record(str(number))) for number in range(20)))
    last = max(entries, key=lambda entry: entry.number)
    assert file.read() == Anchor(number=20, digest=last.digest)
    assert (await verify_audit(store, file.read())).fault is None


async def test_a_restart_goes_on_from_it(metadata: MemoryMetadata, file: AnchorFile) -> None:
    await AnchoredMetadata(metadata, file).append_audit(record("before"))
    await metadata.append_audit(record("another node's"))
    entry = await AnchoredMetadata(metadata, file).append_audit(record("after"))
    assert file.read() == Anchor(number=3, digest=entry.digest)


@pytest.mark.parametrize("left", [0, 1, 2])
@pytest.mark.parametrize("restarts", [False, True])
async def test_it_stays_where_the_log_was_cut_however_long_that_grows(
    metadata: MemoryMetadata, file: AnchorFile, left: int, restarts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    store = AnchoredMetadata(metadata, file)
    for number in range(3):
        await store.append_audit(record(str(number)))
    anchor = file.read()
    while len(metadata._audit) > left:
        metadata._audit.pop()
    with caplog.at_level(logging.ERROR):
        for number in range(6):
            await (AnchoredMetadata(metadata, file) if restarts else store).append_audit(record(f"new {number}"))
    assert file.read() == anchor
    assert "does not go on from its entry 3" in caplog.text
    assert len(caplog.records) == (6 if restarts else 1)
    assert (await verify_audit(store, anchor)).fault is not None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"number": "x", "digest": ""}', b'{"number": 1}'])
async def test_a_damaged_one_is_named_and_not_replaced(
    metadata: MemoryMetadata, tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "audit.anchor"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"audit\.anchor: not an anchor"):
        AnchorFile(path).read()
    assert (await AnchoredMetadata(metadata, AnchorFile(path)).append_audit(record("kept"))).number == 1
    assert "could not be anchored" in caplog.text
    assert path.read_bytes() == data


async def test_an_entry_that_cannot_be_anchored_is_appended_all_the_same(
    metadata: MemoryMetadata, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = AnchoredMetadata(metadata, AnchorFile(tmp_path / "nosuch" / "audit.anchor"))
    assert [(await store.append_audit(record("kept"))).number for _ in range(3)] == [1, 2, 3]
    assert len(caplog.records) == 1


def test_what_memory_keeps_is_not_anchored(metadata: MemoryMetadata, tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert anchored(metadata, home, "memory://?exchanges=5") is metadata
    assert isinstance(anchored(metadata, home, "sqlite:////tmp/x.db"), AnchoredMetadata)

"""Verifying the audit log: any change shows, a cut end by the anchor, over many pages."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from midwatch_core.access import audit_verifying
from midwatch_core.access.audit_verifying import Anchor, verify_audit
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_memory.metadata import MemoryMetadata
from tests.core.access.conftest import NOW

COUNT = 25


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_verifying, "_PAGE", 4)


async def _filled(metadata: MemoryMetadata) -> Anchor:
    for number in range(COUNT):
        record = AuditRecord(at=NOW, actor="a", action="b", subject=str(number), tenant="t" if number % 2 else None)
        last = await metadata.append_audit(record)
    return Anchor(number=last.number, digest=last.digest)


async def test_a_log_that_was_only_added_to_holds(metadata: MemoryMetadata) -> None:
    assert (await verify_audit(metadata, None)).fault is None
    anchor = await _filled(metadata)
    verified = await verify_audit(metadata, anchor)
    assert (verified.entries, verified.fault, verified.anchored) == (COUNT, None, COUNT)
    await metadata.append_audit(AuditRecord(at=NOW, actor="a", action="b", subject="later"))
    assert (await verify_audit(metadata, anchor)).entries == COUNT + 1


def _changed(entry: AuditEntry) -> AuditEntry:
    return replace(entry, record=replace(entry.record, actor="somebody else"))


@pytest.mark.parametrize("at", range(COUNT))
@pytest.mark.parametrize(
    "tamper",
    [
        lambda log, at: log.__setitem__(at, _changed(log[at])),
        lambda log, at: log.__setitem__(at, replace(log[at], digest="0" * 64)),
        lambda log, at: log.__setitem__(at, replace(log[at], record=replace(log[at].record, tenant="other"))),
        lambda log, at: log.__delitem__(at),
        lambda log, at: log.__delitem__(slice(at, at + 9)),
        lambda log, at: log.__setitem__(at, replace(log[at], number=log[at].number + 1000)),
    ],
    ids=["changed", "other digest", "other tenant", "left out", "many left out", "renumbered"],
)
async def test_any_change_shows_where_it_is(
    metadata: MemoryMetadata, tamper: Callable[[list[AuditEntry], int], None], at: int
) -> None:
    anchor = await _filled(metadata)
    log = list(metadata._audit)
    tamper(log, at)
    metadata._audit.clear()
    metadata._audit.extend(sorted(log, key=lambda entry: entry.number))
    verified = await verify_audit(metadata, anchor)
    assert verified.fault is not None
    assert verified.fault.number in (at + 1, at + 2, at + 10)
    assert verified.entries == at


async def test_what_claims_to_be_before_the_first_shows(metadata: MemoryMetadata) -> None:
    anchor = await _filled(metadata)
    metadata._audit.appendleft(replace(metadata._audit[0], number=0))
    assert (await verify_audit(metadata, anchor)).fault is not None


@pytest.mark.parametrize("left", [0, 1, COUNT - 1])
async def test_a_cut_end_shows_by_the_anchor_alone(metadata: MemoryMetadata, left: int) -> None:
    anchor = await _filled(metadata)
    while len(metadata._audit) > left:
        metadata._audit.pop()
    assert (await verify_audit(metadata, None)).fault is None
    fault = (await verify_audit(metadata, anchor)).fault
    assert fault is not None
    assert (fault.number, "its end is cut" in fault.reason) == (left + 1, True)


async def test_a_log_written_anew_shows_by_the_anchor(metadata: MemoryMetadata) -> None:
    anchor = await _filled(metadata)
    metadata._audit.clear()
    for number in range(COUNT + 5):
        await metadata.append_audit(AuditRecord(at=NOW, actor="other", action="b", subject=str(number)))
    assert (await verify_audit(metadata, None)).fault is None
    fault = (await verify_audit(metadata, anchor)).fault
    assert fault is not None
    assert (fault.number, "rewritten" in fault.reason) == (COUNT, True)

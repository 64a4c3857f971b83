import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.audit_chain import ChainCheck, ChainFault, chained, digest_of
from midwatch_core.errors import StorageError
from midwatch_core.model.audit import AuditEntry, AuditRecord

MOMENT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
RECORD = AuditRecord(
    at=MOMENT, actor="ann", action="revoke", subject="mw_k3f9x2ab", details={"b": "2", "a": "é"}, tenant="acme"
)


def log_of(count: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number in range(count):
        entries.append(chained(replace(RECORD, subject=f"s{number}"), entries[-1] if entries else None))
    return entries


def fault_of(entries: Sequence[AuditEntry]) -> ChainFault | None:
    check = ChainCheck()
    check.take(entries)
    return check.fault


def test_the_first_follows_nothing_and_each_the_one_before() -> None:
    first, second, third = log_of(3)
    assert (first.number, first.previous) == (1, "")
    assert (second.number, second.previous) == (2, first.digest)
    assert (third.number, third.previous) == (3, second.digest)
    assert len({first.digest, second.digest, third.digest}) == 3


def test_the_digest_is_one_that_anybody_can_compute() -> None:
    said = [7, "ab", 1772355600000000, "ann", "revoke", "mw_k3f9x2ab", {"a": "é", "b": "2"}, "acme"]
    text = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
    assert digest_of(7, RECORD, "ab") == hashlib.sha256(text.encode()).hexdigest()


def test_the_digest_does_not_hang_on_how_a_record_is_written() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=-7)))
    again = replace(RECORD, at=elsewhere, details={"a": "é", "b": "2"})
    assert digest_of(1, again, "") == digest_of(1, RECORD, "")


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECORD, at=MOMENT + timedelta(microseconds=1)),
        replace(RECORD, actor="bob"),
        replace(RECORD, action="rotate"),
        replace(RECORD, subject=""),
        replace(RECORD, details={"b": "2"}),
        replace(RECORD, details={"b": "é", "a": "2"}),
        replace(RECORD, tenant=None),
        replace(RECORD, tenant=""),
        replace(RECORD, actor="annr", action="evoke"),
    ],
)
def test_everything_that_a_record_says_is_covered(changed: AuditRecord) -> None:
    assert digest_of(1, changed, "") != digest_of(1, RECORD, "")


def test_number_and_link_are_covered() -> None:
    assert len({digest_of(1, RECORD, ""), digest_of(2, RECORD, ""), digest_of(1, RECORD, "a")}) == 3


def test_a_whole_log_has_no_fault_however_it_is_read() -> None:
    entries = log_of(10)
    check = ChainCheck()
    for start in range(0, 10, 3):
        check.take(entries[start : start + 3])
    assert check.fault is None
    assert check.last == entries[-1]
    assert fault_of([]) is None


@given(st.integers(0, 8), st.data())
def test_any_entry_that_is_gone_but_the_last_is_missed(place: int, data: st.DataObject) -> None:
    entries = log_of(10)
    count = data.draw(st.integers(1, 9 - place))
    del entries[place : place + count]
    fault = fault_of(entries)
    assert fault == ChainFault(number=place + count + 1, reason=f"entry {place + 1} is missing")


@given(st.permutations(range(5)))
def test_any_other_order_is_found(order: list[int]) -> None:
    entries = log_of(5)
    moved = [entries[place] for place in order]
    renumbered = [replace(entry, number=number) for number, entry in enumerate(moved, start=1)]
    assert (fault_of(moved) is None) == (order == list(range(5)))
    assert (fault_of(renumbered) is None) == (order == list(range(5)))


def test_the_first_fault_stays() -> None:
    entries = log_of(6)
    entries[2] = replace(entries[2], record=replace(entries[2].record, actor="bob"))
    entries[4] = replace(entries[4], digest="")
    check = ChainCheck()
    check.take(entries[:4])
    check.take(entries[4:])
    assert check.fault == ChainFault(number=3, reason="it was changed")


def test_an_entry_made_anew_breaks_the_next() -> None:
    entries = log_of(4)
    entries[1] = chained(replace(entries[1].record, actor="bob"), entries[0])
    assert fault_of(entries) == ChainFault(number=3, reason="it does not follow the entry before")


@pytest.mark.parametrize(
    "record", [replace(RECORD, at=datetime(2026, 1, 1)), replace(RECORD, subject="half of a pair \ud83e")]
)
def test_what_has_no_digest_is_a_storage_error(record: AuditRecord) -> None:
    with pytest.raises(StorageError):
        chained(record, None)

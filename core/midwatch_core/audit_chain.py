"""The audit log's chain: each entry's digest covers its record and the digest before, so that any change shows."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from midwatch_core.cursor import microseconds
from midwatch_core.errors import StorageError
from midwatch_core.model.audit import AuditEntry, AuditRecord


def chained(record: AuditRecord, last: AuditEntry | None) -> AuditEntry:
    """The entry of a record that comes after `last`.

    Raises StorageError for a moment without a time zone, and for half a character.
    """
    number, previous = (last.number + 1, last.digest) if last is not None else (1, "")
    return AuditEntry(number=number, record=record, previous=previous, digest=digest_of(number, record, previous))


def digest_of(number: int, record: AuditRecord, previous: str) -> str:
    """SHA-256, in hex, over everything an entry says. Raises StorageError for what JSON can't hold."""
    said = [
        number,
        previous,
        microseconds(record.at),
        record.actor,
        record.action,
        record.subject,
        dict(record.details),
        record.tenant,
    ]
    try:
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
    except orjson.JSONEncodeError as error:
        raise StorageError(f"entry {number} can't be kept: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    """The first place where the chain does not hold."""

    number: int
    reason: str


class ChainCheck:
    """Checks a log entry by entry, oldest first; `fault` is the first that does not hold, None as long as all do."""

    def __init__(self) -> None:
        self.last: AuditEntry | None = None
        self.fault: ChainFault | None = None

    def take(self, entries: Iterable[AuditEntry]) -> None:
        """Look at the entries that come next."""
        for entry in entries:
            if self.fault is None:
                reason = self._wrong(entry)
                if reason is not None:
                    self.fault = ChainFault(number=entry.number, reason=reason)
                self.last = entry

    def _wrong(self, entry: AuditEntry) -> str | None:
        number, previous = (self.last.number + 1, self.last.digest) if self.last is not None else (1, "")
        if entry.number != number:
            return f"entry {number} is missing"
        if entry.previous != previous:
            return "it does not follow the entry before"
        if entry.digest != digest_of(entry.number, entry.record, entry.previous):
            return "it was changed"
        return None

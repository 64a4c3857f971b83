"""Verifying the audit log: entry by entry from the first, and against the anchor, so that a cut end shows too."""

from collections.abc import Sequence
from dataclasses import dataclass

from midwatch_core.audit_chain import ChainCheck, ChainFault
from midwatch_core.model.audit import AuditEntry
from midwatch_core.ports import MetadataRepository, Scope

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The last entry that this node appended, as it remembers it outside the store."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How the log stands: entries that hold, the first fault, and the number that an anchor vouches for, if any.

    Without an anchor a log whose newest entries were cut off looks whole.
    """

    entries: int
    fault: ChainFault | None
    anchored: int | None


async def verify_audit(metadata: MetadataRepository, anchor: Anchor | None) -> Verified:
    """Read the whole log, a page at a time, as far as it went when this began. Raises StorageError.

    Read the anchor before: what is appended meanwhile is then behind it.
    """
    newest = await metadata.audit(Scope(), limit=1)
    last = newest[0].number if newest else 0
    reading = _Reading(anchor)
    start = 1
    while start <= last and reading.fault is None:
        page = await _page(metadata, start)
        reading.take(page)
        if not page and reading.fault is None:
            reading.missing()
        start += _PAGE
    if reading.fault is None and anchor is not None and anchor.number > last:
        reading.missing(f"the log ended with entry {anchor.number} before: its end is cut")
    return Verified(entries=reading.held, fault=reading.fault, anchored=anchor.number if anchor is not None else None)


class _Reading:
    """A log as it is read: how many entries hold, and the first fault."""

    def __init__(self, anchor: Anchor | None) -> None:
        self._anchor = anchor
        self._check = ChainCheck()
        self.held = 0
        self.fault: ChainFault | None = None

    def take(self, page: Sequence[AuditEntry]) -> None:
        for entry in page:
            self._check.take((entry,))
            self.fault = self._check.fault or self._against_anchor(entry)
            if self.fault is not None:
                return
            self.held += 1

    def missing(self, reason: str | None = None) -> None:
        number = self.held + 1
        self.fault = ChainFault(number=number, reason=reason or f"entry {number} is missing")

    def _against_anchor(self, entry: AuditEntry) -> ChainFault | None:
        anchor = self._anchor
        if anchor is None or entry.number != anchor.number or entry.digest == anchor.digest:
            return None
        return ChainFault(number=entry.number, reason="it is not the one that was appended: the log was rewritten")


async def _page(metadata: MetadataRepository, start: int) -> Sequence[AuditEntry]:
    """Entries from `start` on, oldest first; with the first page also what claims to be before entry 1."""
    page = await metadata.audit(Scope(), limit=_PAGE + 1, before=start + _PAGE)
    return [entry for entry in reversed(page) if entry.number >= start or start == 1]

"""The report desk: takes orders, has reports made one after another in the background, keeps them, renders them.

What makes them is a plugin's (the hook `reports`); what faces see of it is `ReportDesk`.
"""

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial
from pathlib import Path

from midwatch.control.report_notes import ReportNotes
from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.clock import Clock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.guarded import Guard, called, said
from midwatch_core.ids import uuid7
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.document import Report, ReportState
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.report_desk import Rendered, ReportError, ReportKind, ReportOrder

logger = logging.getLogger(__name__)

# Orders that wait: who wants more waits first.
MAX_WAITING = 20
# A report that takes longer is not one of a bounded evidence.
_DEADLINE_S = 900.0
_RETRY_S = 5.0
_MOST = 1000
_MAX_NAME = 200
ENDED = "Midwatch ended while it was being made: order it again"


@dataclass(frozen=True, slots=True)
class _Waiting:
    report: Report
    order: ReportOrder


class Desk:
    """See `ReportDesk`. `open` gives it what plugins can make, `run` works for ever.

    An order is put on record and kept as pending before it is answered. `notes` is a file of this home.
    """

    def __init__(self, metadata: MetadataRepository, clock: Clock, notes: Path) -> None:
        self._metadata = metadata
        self._clock = clock
        self._notes = ReportNotes(notes)
        self._unfinished = self._notes.read()  # when the process before died
        self._kinds: Mapping[str, ReportKind] = {}
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._pending: set[str] = set()
        self._guard = Guard()
        # One at a time of each format: a PDF takes a processor for seconds, and no page waits for that.
        self._rendering: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(1))

    def open(self, kinds: Iterable[ReportKind]) -> None:
        """Offer these from now on. Of two with one name the first stays."""
        offered: dict[str, ReportKind] = {}
        for kind in kinds:
            if offered.setdefault(kind.name, kind) is not kind:
                logger.warning("two plugins make reports of the kind %s: the first one's are made", kind.name)
        self._kinds = offered

    def kinds(self) -> Sequence[ReportKind]:
        """What can be asked for, by title."""
        return sorted(self._kinds.values(), key=lambda kind: kind.title)

    async def order(self, caller: Caller, kind: str, order: ReportOrder) -> Report:
        """Have one made in the background: the pending report."""
        _check(caller, Permission.OPERATE, "orders no reports")
        if caller.tenant is not None and order.tenant != caller.tenant:
            raise AccessDeniedError(f"{caller.name} orders reports of the tenant {caller.tenant} alone")
        wanted, order = self._kind(kind), _sound(order)
        if len(self._pending) >= MAX_WAITING:
            raise ReportError(f"{MAX_WAITING} reports wait to be made: order again when some are done")
        report = self._pending_report(wanted, order)
        self._note(add=report.id)
        try:
            await self._record(caller, report, order)
            await self._metadata.keep_report(report)
        except StorageError:
            self._note(drop=report.id)
            raise
        self._queue.put_nowait(_Waiting(report, order))
        return report

    async def reports(self, caller: Caller, *, limit: int = 100) -> Sequence[Report]:
        """The newest reports in scope, newest first, with empty bodies."""
        _check(caller, Permission.READ, "reads no reports")
        return await self._metadata.reports(caller.scope, limit=max(1, min(limit, _MOST)))

    async def report(self, caller: Caller, report_id: str) -> Report | None:
        """One report."""
        _check(caller, Permission.READ, "reads no reports")
        return await self._metadata.report(caller.scope, report_id)

    async def rendered(self, caller: Caller, report_id: str, form: str) -> Rendered | None:
        """A finished report in a format of its kind, rendered in a thread."""
        report = await self.report(caller, report_id)
        if report is None:
            return None
        if report.state is not ReportState.DONE:
            raise ReportError(report.problem or "the report is not made yet")
        kind = self._kind(report.kind)
        if form not in kind.formats:
            raise ReportError(f"{form[:_MAX_NAME]!r} is none of this report's formats: {', '.join(kind.formats)}")
        if form in kind.needs:
            raise ReportError(f"{form.upper()} can't be had here yet: {kind.needs[form]}")
        async with self._rendering[form]:
            outcome = await asyncio.to_thread(called, f"{kind.name}.render", kind.render, report.body, form)
        if not outcome.ok:
            assert outcome.error is not None
            raise ReportError(said(outcome.error)) from outcome.error
        if not isinstance(outcome.value, bytes):
            raise ReportError(f"{kind.name} gave no document")
        return Rendered(filename=_filename(report, form), media_type=kind.formats[form], body=outcome.value)

    async def run(self) -> None:
        """Say of what a death left unfinished that it failed; then make what is ordered, one after another."""
        for report_id in self._unfinished:
            await self._until_kept(partial(self._give_up, report_id))
        self._unfinished = ()
        self._note()
        while True:
            await self.make_next()

    async def make_next(self) -> Report:
        """Make the report that waits longest, or the next that comes; it as it was kept."""
        waiting = await self._queue.get()
        made = await self._made(waiting)
        refused = await self._until_kept(partial(self._metadata.keep_report, made))
        if refused is not None:
            made = replace(waiting.report, state=ReportState.FAILED, problem=f"the store refuses it: {refused}")
            await self._until_kept(partial(self._metadata.keep_report, made))
        self._note(drop=made.id)
        return made

    async def _made(self, waiting: _Waiting) -> Report:
        report, kind = waiting.report, self._kinds.get(waiting.report.kind)
        if kind is None:
            return replace(report, state=ReportState.FAILED, problem=f"nobody makes reports of {report.kind} any more")
        outcome = await self._guard.wait(f"report.{kind.name}", kind.make, waiting.order, deadline_s=_DEADLINE_S)
        if outcome.error is not None:
            return replace(report, state=ReportState.FAILED, problem=said(outcome.error))
        if not isinstance(outcome.value, bytes):
            return replace(report, state=ReportState.FAILED, problem=f"{kind.name} gave no document")
        return replace(report, state=ReportState.DONE, body=outcome.value)

    async def _give_up(self, report_id: str) -> None:
        report = await self._metadata.report(Scope(), report_id)
        if report is not None and report.state is ReportState.PENDING:
            await self._metadata.keep_report(replace(report, state=ReportState.FAILED, problem=ENDED))

    async def _until_kept(self, keep: Callable[[], Awaitable[None]]) -> StorageError | None:
        """See it into the store, however long that is away; what the store said where it refuses."""
        told = False
        while True:
            try:
                await keep()
            except StorageUnavailableError as error:
                if not told:
                    logger.error("a report waits to be kept: %s", error)
                told = True
                await asyncio.sleep(_RETRY_S)
            except StorageError as error:
                logger.error("a report could not be kept: %s", error)
                return error
            else:
                return None

    def _kind(self, name: str) -> ReportKind:
        kind = self._kinds.get(name)
        if kind is None:
            there = ", ".join(self._kinds) or "none"
            raise ReportError(f"{name[:_MAX_NAME]!r} is no kind of report; there are {there}")
        return kind

    def _pending_report(self, kind: ReportKind, order: ReportOrder) -> Report:
        now = self._clock.now()
        return Report(
            id=uuid7(now.timestamp()),
            tenant=order.tenant,
            kind=kind.name,
            title=kind.title,
            created_at=now,
            media_type=kind.media_type,
            body=b"",
            state=ReportState.PENDING,
            since=order.since,
            until=order.until,
        )

    async def _record(self, caller: Caller, report: Report, order: ReportOrder) -> None:
        details = {"kind": report.kind, "since": order.since.isoformat(), "until": order.until.isoformat()}
        await self._metadata.append_audit(
            AuditRecord(
                at=report.created_at,
                actor=caller.name,
                action="report.order",
                subject=report.id,
                details=details,
                tenant=report.tenant,
            )
        )

    def _note(self, *, add: str | None = None, drop: str | None = None) -> None:
        """What is pending, on disk: a home that can't be written takes no orders, and still finishes its own."""
        if add is not None:
            self._pending.add(add)
        self._pending.discard(drop or "")
        try:
            self._notes.write({*self._pending, *self._unfinished})
        except OSError as error:
            if add is not None:
                self._pending.discard(add)
                raise ReportError(f"the home can't be written: {error.strerror or error}") from error
            logger.error("which reports are pending can't be noted: %s", error)


def _check(caller: Caller, permission: Permission, what: str) -> None:
    if not caller.may(permission):
        raise AccessDeniedError(f"a key of the role {caller.role} {what}")


def _sound(order: ReportOrder) -> ReportOrder:
    """The order with its moments in UTC. Raises ReportError for a period or a tenant that is none."""
    if order.since.tzinfo is None or order.until.tzinfo is None:
        raise ReportError("a period begins and ends at moments with a time zone")
    if order.since >= order.until:
        raise ReportError("a period ends after it begins")
    if order.tenant is not None and not (0 < len(order.tenant) <= _MAX_NAME and order.tenant.isprintable()):
        raise ReportError(f"a tenant's name has between 1 and {_MAX_NAME} printable characters")
    try:
        return replace(order, since=order.since.astimezone(UTC), until=order.until.astimezone(UTC))
    except OverflowError as error:
        raise ReportError("a period is of this calendar: its years are 1 to 9999, in UTC too") from error


def _filename(report: Report, form: str) -> str:
    """A name of plain characters, whatever the tenant is called."""
    since = report.since.date().isoformat() if report.since else report.created_at.date().isoformat()
    words = ("midwatch", report.kind, report.tenant or "all", since, report.id[-6:])
    return re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(words)) + f".{re.sub(r'[^a-z0-9]+', '', form)}"

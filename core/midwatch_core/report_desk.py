"""Reports: what plugins can report on (`reports`), and the desk that has them made in the background and keeps them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from midwatch_core.access.caller import Caller
from midwatch_core.errors import MidwatchError
from midwatch_core.model.document import Report


class ReportError(MidwatchError):
    """A report that can't be made or rendered, in a sentence for who asked for it (a format's package is absent…)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOrder:
    """What is to be reported: one tenant's or (None) the installation's, from `since` up to, not including, `until`."""

    tenant: str | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportKind:
    """A kind of report. `name` is stable, `title` and `help` are for people.

    `make` gives the finished document of an order, of `media_type`; awaited in control, so it lets others run.
    `formats` are the media types it can be rendered in, by a short name (`json`, `html`, `pdf`); `render` gives those
    bytes from a document and is called in a thread. Both may raise ReportError and StorageError. `needs` says what must
    be installed first, by format, where one of them can't be rendered here yet.
    """

    name: str
    title: str
    help: str
    make: Callable[[ReportOrder], Awaitable[bytes]]
    render: Callable[[bytes, str], bytes]
    formats: Mapping[str, str]
    media_type: str = "application/json"
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A report in one format, with a name for its file."""

    filename: str
    media_type: str
    body: bytes


class ReportDesk(Protocol):
    """Reports within a caller's scope. All raise AccessDeniedError, ReportError and StorageError."""

    def kinds(self) -> Sequence[ReportKind]:
        """What can be asked for."""
        ...

    async def order(self, caller: Caller, kind: str, order: ReportOrder) -> Report:
        """Have one made in the background: the pending report. A caller of a tenant orders its own alone."""
        ...

    async def reports(self, caller: Caller, *, limit: int = 100) -> Sequence[Report]:
        """The newest reports in scope, newest first, with empty bodies."""
        ...

    async def report(self, caller: Caller, report_id: str) -> Report | None:
        """One report."""
        ...

    async def rendered(self, caller: Caller, report_id: str, form: str) -> Rendered | None:
        """A finished report in a format of its kind; None where there is no such report."""
        ...

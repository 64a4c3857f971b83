"""The report desk: who may order and read, what outlives a death, and what is said when a report can't be made."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from midwatch.control.report_desk import ENDED, MAX_WAITING, Desk
from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.clock import SystemClock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.document import Report, ReportState
from midwatch_core.ports import Scope
from midwatch_core.report_desk import ReportError, ReportKind, ReportOrder
from midwatch_memory.metadata import MemoryMetadata

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
ORDER = ReportOrder(tenant="acme", since=SINCE, until=SINCE + timedelta(days=31))
VIEWER = Caller(name="mw_view", role=AccessRole.VIEWER, tenant="acme")
OPERATOR = Caller(name="mw_oper", role=AccessRole.OPERATOR, tenant="acme")
STRANGER = Caller(name="mw_lab", role=AccessRole.ADMIN, tenant="lab")


async def _make(order: ReportOrder) -> bytes:
    return f"of {order.tenant}".encode()


def _render(body: bytes, form: str) -> bytes:
    return form.encode() + b": " + body


def kind(name: str = "plain", **changes: object) -> ReportKind:
    made = ReportKind(
        name=name, title=name.title(), help="Help", make=_make, render=_render, formats={"json": "application/json"}
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class FailingMetadata(MemoryMetadata):
    """Fails to keep a report once for each error it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[StorageError] = []

    async def keep_report(self, report: Report) -> None:
        if self.failures:
            raise self.failures.pop(0)
        await super().keep_report(report)


@pytest.fixture
async def metadata() -> FailingMetadata:
    metadata = FailingMetadata()
    await metadata.start()
    return metadata


def desk_of(metadata: MemoryMetadata, notes: Path, kinds: Sequence[ReportKind] = ()) -> Desk:
    desk = Desk(metadata, SystemClock(), notes / "reports.pending")
    desk.open(kinds or [kind()])
    return desk


@pytest.fixture
def desk(metadata: FailingMetadata, tmp_path: Path) -> Desk:
    return desk_of(metadata, tmp_path)


@asynccontextmanager
async def working(desk: Desk) -> AsyncIterator[None]:
    task = asyncio.create_task(desk.run())
    try:
        yield
    finally:
        task.cancel()


async def settled(desk: Desk, report: Report) -> Report:
    async with asyncio.timeout(60):
        while True:
            found = await desk.report(LOCAL, report.id)
            assert found is not None
            if found.state is not ReportState.PENDING:
                return found
            await asyncio.sleep(0.002)


async def test_an_order_is_pending_at_once_and_then_done(desk: Desk) -> None:
    pending = await desk.order(OPERATOR, "plain", ORDER)
    assert (pending.state, pending.tenant, pending.since) == (ReportState.PENDING, "acme", SINCE)
    made = await desk.make_next()
    assert (made.state, made.body) == (ReportState.DONE, b"of acme")
    assert [report.body for report in await desk.reports(VIEWER)] == [b""]
    rendered = await desk.rendered(VIEWER, made.id, "json")
    assert rendered is not None
    assert (rendered.body, rendered.media_type) == (b"json: of acme", "application/json")
    assert rendered.filename == f"midwatch-plain-acme-2026-10-01-{made.id[-6:]}.json"


async def test_an_order_stands_in_the_audit_log(desk: Desk, metadata: MemoryMetadata) -> None:
    report = await desk.order(OPERATOR, "plain", ORDER)
    (entry,) = await metadata.audit(Scope(), limit=10)
    assert (entry.record.actor, entry.record.action, entry.record.subject) == ("mw_oper", "report.order", report.id)
    assert entry.record.tenant == "acme"
    assert entry.record.details["since"] == SINCE.isoformat()


async def test_viewers_read_and_do_not_order(desk: Desk) -> None:
    with pytest.raises(AccessDeniedError, match="orders no reports"):
        await desk.order(VIEWER, "plain", ORDER)
    with pytest.raises(AccessDeniedError, match="reads no reports"):
        await desk.reports(Caller(name="mw_client", role=AccessRole.CLIENT))


@pytest.mark.parametrize("tenant", ["lab", None])
async def test_a_caller_of_a_tenant_orders_its_own_alone(desk: Desk, tenant: str | None) -> None:
    with pytest.raises(AccessDeniedError, match="of the tenant acme alone"):
        await desk.order(OPERATOR, "plain", replace(ORDER, tenant=tenant))


async def test_another_tenants_report_is_not_there(desk: Desk) -> None:
    await desk.order(OPERATOR, "plain", ORDER)
    made = await desk.make_next()
    assert await desk.report(STRANGER, made.id) is None
    assert await desk.rendered(STRANGER, made.id, "json") is None
    assert await desk.reports(STRANGER) == []
    await desk.order(LOCAL, "plain", replace(ORDER, tenant=None))
    whole = await desk.make_next()
    assert await desk.report(OPERATOR, whole.id) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"until": SINCE}, "ends after it begins"),
        ({"since": SINCE.replace(tzinfo=None)}, "time zone"),
        ({"tenant": ""}, "between 1 and"),
        ({"tenant": "a\x00b"}, "printable characters"),
        ({"since": datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))}, "years are 1 to 9999"),
    ],
    ids=["empty", "naive", "nameless", "hidden", "before all time"],
)
async def test_an_unsound_order_is_refused_in_a_sentence(desk: Desk, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ReportError, match=said):
        await desk.order(LOCAL, "plain", replace(ORDER, **changes))  # type: ignore[arg-type]
    with pytest.raises(ReportError, match="no kind of report; there are plain"):
        await desk.order(LOCAL, "fancy", ORDER)


async def test_only_so_many_orders_wait(desk: Desk) -> None:
    for _ in range(MAX_WAITING):
        await desk.order(LOCAL, "plain", ORDER)
    with pytest.raises(ReportError, match="wait to be made"):
        await desk.order(LOCAL, "plain", ORDER)
    await desk.make_next()
    await desk.order(LOCAL, "plain", ORDER)


async def test_what_was_being_made_at_a_death_has_failed_at_the_next_start(
    metadata: FailingMetadata, tmp_path: Path
) -> None:
    dead = desk_of(metadata, tmp_path)
    lost = await dead.order(LOCAL, "plain", ORDER)
    (tmp_path / "other").mkdir()
    elsewhere = await desk_of(metadata, tmp_path / "other").order(LOCAL, "plain", ORDER)
    desk = desk_of(metadata, tmp_path)
    await desk.order(LOCAL, "plain", ORDER)
    desk = desk_of(metadata, tmp_path)  # and this one died before it looked
    async with working(desk):
        found = await settled(desk, lost)
        assert (found.state, found.problem) == (ReportState.FAILED, ENDED)
        again = await desk.order(LOCAL, lost.kind, ORDER)
        assert (await settled(desk, again)).state is ReportState.DONE
    other = await desk.report(LOCAL, elsewhere.id)
    assert other is not None
    assert other.state is ReportState.PENDING, "another home's report is that home's"
    assert (tmp_path / "reports.pending").read_bytes() == b"[]"


async def test_what_a_kind_can_not_make_has_failed_with_its_reason(metadata: FailingMetadata, tmp_path: Path) -> None:
    async def refuses(_: ReportOrder) -> bytes:
        raise ReportError("there is nothing to report")

    async def breaks(_: ReportOrder) -> bytes:
        raise KeyError("x")

    desk = desk_of(metadata, tmp_path, [kind("refuses", make=refuses), kind("breaks", make=breaks)])
    await desk.order(LOCAL, "refuses", ORDER)
    await desk.order(LOCAL, "breaks", ORDER)
    assert (await desk.make_next()).problem == "there is nothing to report"
    failed = await desk.make_next()
    assert (failed.state, failed.problem) == (ReportState.FAILED, "KeyError: 'x'")
    with pytest.raises(ReportError, match="KeyError"):
        await desk.rendered(LOCAL, failed.id, "json")


async def test_what_can_not_be_rendered_is_said(metadata: FailingMetadata, tmp_path: Path) -> None:
    def breaks(_: bytes, __: str) -> bytes:
        raise ReportError("PDF needs a package")

    desk = desk_of(metadata, tmp_path, [kind(render=breaks)])
    pending = await desk.order(LOCAL, "plain", ORDER)
    with pytest.raises(ReportError, match="not made yet"):
        await desk.rendered(LOCAL, pending.id, "json")
    await desk.make_next()
    with pytest.raises(ReportError, match="PDF needs a package"):
        await desk.rendered(LOCAL, pending.id, "json")
    with pytest.raises(ReportError, match="'docx' is none of this report's formats: json"):
        await desk.rendered(LOCAL, pending.id, "docx")
    assert await desk.rendered(LOCAL, "none", "json") is None


async def test_what_needs_a_package_is_refused_without_a_try(metadata: FailingMetadata, tmp_path: Path) -> None:
    tried: list[str] = []

    def drawn(_: bytes, form: str) -> bytes:
        tried.append(form)
        return b"x"

    forms = {"json": "application/json", "pdf": "application/pdf"}
    desk = desk_of(metadata, tmp_path, [kind(render=drawn, formats=forms, needs={"pdf": "install it"})])
    await desk.order(LOCAL, "plain", ORDER)
    report = await desk.make_next()
    with pytest.raises(ReportError, match=r"^PDF can't be had here yet: install it$"):
        await desk.rendered(LOCAL, report.id, "pdf")
    assert await desk.rendered(LOCAL, report.id, "json")
    assert tried == ["json"]


async def test_what_the_store_does_not_take_was_not_ordered(desk: Desk, metadata: FailingMetadata) -> None:
    metadata.failures = [StorageUnavailableError("away")]
    with pytest.raises(StorageUnavailableError):
        await desk.order(LOCAL, "plain", ORDER)
    assert await desk.reports(LOCAL) == []
    metadata.failures = []
    await desk.order(LOCAL, "plain", ORDER)
    metadata.failures = [StorageError("too large")]
    made = await desk.make_next()
    assert (made.state, made.problem) == (ReportState.FAILED, "the store refuses it: too large")


async def test_of_two_kinds_with_one_name_the_first_stays(metadata: FailingMetadata, tmp_path: Path) -> None:
    desk = desk_of(metadata, tmp_path, [kind(title="First"), kind(title="Second"), kind("other")])
    assert [item.title for item in desk.kinds()] == ["First", "Other"]

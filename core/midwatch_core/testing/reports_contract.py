# ruff: noqa: D102  # a test's name is its documentation
"""The reports of a MetadataRepository: part of MetadataRepositoryContract."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from midwatch_core.model.document import Report, ReportState
from midwatch_core.ports import MetadataRepository, Scope
from midwatch_core.testing.factories import BEGINNING

EVERYONE = Scope()


def make_report(report_id: str, **changes: object) -> Report:
    """A short report."""
    report = Report(
        id=report_id,
        tenant="acme",
        kind="owasp",
        title="March",
        created_at=BEGINNING,
        media_type="application/pdf",
        body=b"%PDF",
    )
    return replace(report, **changes)  # type: ignore[arg-type]  # fields of its


class ReportsContract:
    """What holds for the reports of every MetadataRepository."""

    pytestmark = pytest.mark.asyncio

    async def test_a_report_has_its_body_and_a_listing_has_none(self, repository: MetadataRepository) -> None:
        large = make_report("large", body=random.Random(5).randbytes(1_000_000))  # noqa: S311  # for looks
        empty = make_report("empty", body=b"", created_at=BEGINNING + timedelta(seconds=1))
        for report in (large, empty):
            await repository.keep_report(report)
            assert await repository.report(EVERYONE, report.id) == report
        assert list(await repository.reports(EVERYONE, limit=9)) == [empty, replace(large, body=b"")]
        assert await repository.report(EVERYONE, "absent") is None

    async def test_a_report_is_replaced(self, repository: MetadataRepository) -> None:
        await repository.keep_report(make_report("a", tenant="theirs"))
        ours = make_report("a", tenant="ours", title="April", body=bytes(range(256)))
        await repository.keep_report(ours)
        assert await repository.report(EVERYONE, "a") == ours
        assert await repository.report(Scope(tenants=frozenset({"theirs"})), "a") is None
        assert len(await repository.reports(EVERYONE, limit=9)) == 1

    @pytest.mark.parametrize("state", ReportState)
    async def test_a_report_has_its_state_its_time_and_its_problem(
        self, repository: MetadataRepository, state: ReportState
    ) -> None:
        until = BEGINNING + timedelta(days=31, microseconds=1)
        asked = make_report("a", state=ReportState.PENDING, since=BEGINNING, until=until, body=b"")
        await repository.keep_report(asked)
        assert list(await repository.reports(EVERYONE, limit=2)) == [asked]
        ended = replace(asked, state=state, problem="no room", body=b"%PDF")
        await repository.keep_report(ended)
        assert await repository.report(EVERYONE, "a") == ended
        assert list(await repository.reports(EVERYONE, limit=2)) == [replace(ended, body=b"")]

    async def test_reports_come_newest_first(self, repository: MetadataRepository) -> None:
        made = [
            make_report(f"{number}", created_at=BEGINNING + timedelta(microseconds=number // 2)) for number in range(9)
        ]
        for report in (made[3], made[8], *made[:3], *made[4:8]):
            await repository.keep_report(report)
        assert [one.id for one in await repository.reports(EVERYONE, limit=20)] == list("876543210")
        assert [one.id for one in await repository.reports(EVERYONE, limit=4)] == list("8765")

    async def test_reports_stay_in_scope(self, repository: MetadataRepository) -> None:
        for tenant in ("ours", "theirs", "", None):
            await repository.keep_report(make_report(f"of {tenant}", tenant=tenant))
        for names, seen in (({"ours"}, ["ours"]), ({"ours", "", "absent"}, ["ours", ""]), (set[str](), [])):
            scope = Scope(tenants=frozenset(names))
            assert {one.tenant for one in await repository.reports(scope, limit=9)} == set(seen)
            for tenant in ("ours", "theirs", "", None):
                assert (await repository.report(scope, f"of {tenant}") is not None) == (tenant in seen)
        assert await repository.report(EVERYONE, "of None") is not None
        assert len(await repository.reports(EVERYONE, limit=9)) == 4

"""The audit log: read in the caller's scope, looked through, exported, verified; and nothing in it acts."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.audit import AuditRecord
from tests.plugins.web.access_house import AccessHouse, access_house
from tests.plugins.web.conftest import NOW

VIEWER = AccessRole.VIEWER
READERS = [role for role in AccessRole if role is not AccessRole.CLIENT]
EVIL = "=cmd|'/c calc'!A1<script>alert(1)</script>"


@pytest.fixture
async def house() -> AccessHouse:
    return await access_house()


@pytest.fixture
async def client(house: AccessHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(headers=house.shows(VIEWER)) as client:
        yield client


async def note(house: AccessHouse, count: int = 1, **changes: Any) -> None:
    record = AuditRecord(at=NOW, actor="somebody", action="policy.publish", subject="ours-7", details={"note": "why"})
    for _ in range(count):
        await house.metadata.append_audit(replace(record, **changes))


@pytest.mark.parametrize("role", AccessRole)
@pytest.mark.parametrize("tenant", [None, "ours"])
async def test_readers_see_what_concerns_their_tenant(house: AccessHouse, role: AccessRole, tenant: str | None) -> None:
    await note(house, subject="of-theirs", tenant="theirs")
    await note(house, subject="of-ours", tenant="ours")
    await note(house, subject="of-all")
    async with house.client(headers=house.shows(role, tenant)) as client:
        for path in ("/audit", "/api/v1/audit", "/api/v1/audit.jsonl", "/api/v1/audit.csv"):
            for query in ("", "?tenant=theirs"):
                answer = await client.get(path + query)
                assert answer.status_code == (200 if role in READERS else 403), path
                shown = {name for name in ("theirs", "ours", "all") if f"of-{name}" in answer.text}
                if role not in READERS:
                    assert not shown
                elif query:
                    assert shown == ({"theirs"} if tenant is None else set())
                else:
                    assert shown == ({"theirs", "ours", "all"} if tenant is None else {"ours"})
        for path in ("/audit/verify", "/api/v1/audit/verify"):
            whole = role in READERS and tenant is None
            assert (await client.get(path)).status_code == (200 if whole else 403), path


async def test_pages_follow_each_other_to_the_first_entry(client: httpx.AsyncClient, house: AccessHouse) -> None:
    numbers, cursor = [], ""
    while True:
        answer = (await client.get(f"/api/v1/audit?limit=4{cursor}")).json()
        numbers += [row["number"] for row in answer["audit"]]
        if answer["cursor"] is None:
            break
        cursor = f"&cursor={answer['cursor']}"
    assert numbers == list(range(len(numbers), 0, -1))
    assert len(numbers) == 14  # two tenants, twelve keys


async def test_a_filter_finds_what_is_far_down(client: httpx.AsyncClient, house: AccessHouse) -> None:
    await note(house, actor="rare", subject="needle")
    await note(house, 1200)
    found = (await client.get("/api/v1/audit?actor=rare&limit=5")).json()
    assert [row["subject"] for row in found["audit"]] == ["needle"]
    assert found["cursor"] is None
    made = (await client.get("/api/v1/audit?action=key.&limit=1000")).json()["audit"]
    assert {row["action"] for row in made} == {"key.create"}
    assert len(made) == 12
    assert (await client.get("/api/v1/audit?action=key&limit=1000")).json()["audit"] == []
    (only,) = (await client.get("/api/v1/audit?subject=needle&action=policy.publish")).json()["audit"]
    assert only["actor"] == "rare"


async def test_a_look_ends_early_and_its_cursor_goes_on(client: httpx.AsyncClient, house: AccessHouse) -> None:
    await note(house, actor="rare")
    await note(house, 5200)
    found = (await client.get("/api/v1/audit?actor=rare")).json()
    assert found["audit"] == []
    page = (await client.get("/audit?actor=rare")).text
    assert "older ones are a page further" in page
    assert f'href="/audit?actor=rare&amp;cursor={found["cursor"]}"' in page
    (row,) = (await client.get(f"/api/v1/audit?actor=rare&cursor={found['cursor']}")).json()["audit"]
    assert row["actor"] == "rare"
    lines = (await client.get("/api/v1/audit.jsonl?actor=rare")).text.splitlines()
    assert [json.loads(line)["actor"] for line in lines] == ["rare"]


async def test_files_have_every_entry_and_no_cell_is_a_formula(client: httpx.AsyncClient, house: AccessHouse) -> None:
    await note(house, 1100, actor=EVIL, subject=EVIL, details={"said": EVIL})
    answer = await client.get("/api/v1/audit.csv")
    assert 'filename="midwatch-audit.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(row["number"]) for row in rows] == list(range(1114, 0, -1))
    assert (rows[0]["actor"], rows[0]["details"]) == (f"'{EVIL}", f"said: {EVIL}")
    lines = (await client.get("/api/v1/audit.jsonl?limit=3")).text.splitlines()
    assert [json.loads(line)["actor"] for line in lines] == [EVIL] * 3


async def test_nothing_on_record_acts(client: httpx.AsyncClient, house: AccessHouse, read_html: Any) -> None:
    await note(house, actor=EVIL, action=EVIL, subject=f"{EVIL}\u202e", tenant=EVIL, details={EVIL: EVIL})
    answer = await client.get("/audit", params={"actor": EVIL})
    assert "<script>" not in answer.text.replace("<script src", "")
    page = read_html(answer.text)
    assert page.find("input", name="actor")[0].attributes["value"] == EVIL
    assert f"{EVIL}⟨U+202E⟩" in page.find("tbody")[0].words


async def test_verifying_tells_whether_every_entry_holds(
    client: httpx.AsyncClient, house: AccessHouse, read_html: Any
) -> None:
    told = (await client.get("/api/v1/audit/verify")).json()
    assert told == {"entries": 14, "anchored": None, "fault": None}
    page = read_html((await client.get("/audit/verify")).text)
    assert "14 entries hold . This node remembers no end" in page.find(cls="notice")[0].words.replace("hold.", "hold .")
    entry = house.metadata._audit[4]
    house.metadata._audit[4] = replace(entry, record=replace(entry.record, actor="another"))
    told = (await client.get("/api/v1/audit/verify")).json()
    assert (told["entries"], told["fault"]["number"]) == (4, 5)
    page = read_html((await client.get("/audit/verify")).text)
    assert "Entry 5 does not hold" in page.find(cls="notice")[0].words


async def test_an_empty_log_says_what_will_stand_in_it(house: AccessHouse, read_html: Any) -> None:
    async with house.client(headers=house.shows(VIEWER)) as client:
        house.metadata._audit.clear()
        page = read_html((await client.get("/audit")).text)
        assert "Nothing is on record yet" in page.words
        narrowed = read_html((await client.get("/audit?actor=nobody")).text)
        assert "There is no entry like that" in narrowed.words


@pytest.mark.parametrize(
    "query", ["cursor=0", "cursor=x", f"cursor={2**63}", "limit=0", "limit=1001", f"actor={'x' * 501}"]
)
async def test_what_is_no_question_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/api/v1/audit?{query}")).status_code == 422

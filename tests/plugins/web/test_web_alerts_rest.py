"""Alerts for programs, and the channels: pages, files, one, taking on; deliveries, tests and retries, by role."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch_core.alert_outbox import DeliveryState
from midwatch_core.model.finding import Severity
from midwatch_core.ports import Scope
from tests.plugins.web.alert_house import AlertHouse, alert, alert_house
from tests.plugins.web.conftest import NOW
from tests.plugins.web.kept_outbox import delivery

API = "/api/v1/alerts"
DEAD = {"state": DeliveryState.DEAD, "problem": "no_service", "sent_at": None}


@pytest.fixture
async def house(tmp_path: Path) -> AlertHouse:
    return await alert_house(tmp_path)


@pytest.fixture
async def client(house: AlertHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(headers={"x-midwatch-key": "operator"}) as client:
        yield client


def ids(answer: httpx.Response) -> list[str]:
    return [row["title"] for row in answer.json()["alerts"]]


async def test_programs_page_filter_and_read_alerts(house: AlertHouse, client: httpx.AsyncClient) -> None:
    for number in range(5):
        began = NOW - timedelta(minutes=number)
        severity = Severity.HIGH if number % 2 else Severity.LOW
        await house.raise_alert(alert(f"f-{number}", title=f"{number}", at=began, severity=severity))
    first = await client.get(API, params={"limit": 2})
    rest = await client.get(API, params={"limit": 9, "cursor": first.json()["cursor"]})
    assert ids(first) + ids(rest) == ["0", "1", "2", "3", "4"]
    assert rest.json()["cursor"] is None
    assert ids(await client.get(f"{API}?severity=high&state=open&state=resolved")) == ["1", "3"]
    assert ids(await client.get(f"{API}?state=resolved")) == []
    assert ids(await client.get(API, params={"since": (NOW - timedelta(minutes=1)).isoformat()})) == ["0", "1"]
    assert ids(await client.get(f"{API}?fingerprint=f-3&tenant=acme&category=anomaly")) == ["3"]
    (row,) = (await client.get(f"{API}?fingerprint=f-3")).json()["alerts"]
    assert row == (await client.get(f"{API}/{row['id']}")).json()
    assert (row["state"], row["count"], row["details"]["baseline"]) == ("open", 1, "3.10 USD")


async def test_programs_take_one_on(house: AlertHouse, client: httpx.AsyncClient) -> None:
    made = await house.raise_alert(alert())
    answer = await client.post(f"{API}/{made.id}/acknowledge", json={})
    assert (answer.status_code, answer.json()["state"]) == (200, "acknowledged")
    assert answer.json()["acknowledged_by"] == "operator"
    assert (await client.post(f"{API}/{made.id}/acknowledge", json={})).json() == answer.json()


async def test_files_have_all_and_run_in_no_spreadsheet(house: AlertHouse, client: httpx.AsyncClient) -> None:
    await house.raise_alert(alert("f-1", title="=1+1", details={"why": "=2+2", "who": "me"}))
    await house.raise_alert(alert("f-2", severity=Severity.LOW))
    rows = list(csv.DictReader(io.StringIO((await client.get(f"{API}.csv?severity=high")).text, newline="")))
    assert [(row["title"], row["details"]) for row in rows] == [("'=1+1", "why: =2+2; who: me")]
    told = await client.get(f"{API}.jsonl?limit=1")
    assert len(told.text.splitlines()) == 1
    assert json.loads(told.text)["fingerprint"] in ("f-1", "f-2")
    assert told.headers["content-disposition"] == 'attachment; filename="midwatch-alerts.jsonl"'


async def test_channels_and_deliveries_are_told_tested_and_tried_again(
    house: AlertHouse, client: httpx.AsyncClient
) -> None:
    house.outbox.kept += [delivery("d-1"), delivery("d-2", incidents=("i-2",), **DEAD)]
    channels = (await client.get(f"{API}/channels")).json()["channels"]
    assert [(row["name"], row["kind"], row["problem"]) for row in channels] == [
        ("on-call", "slack", ""),
        ("broken", "slack", "no_service"),
    ]
    assert await deliveries(client, "state=dead") == ["d-2"]
    assert await deliveries(client, "incident=i-1") == ["d-1"]
    assert await deliveries(client, "limit=1") == ["d-2"]
    answer = await client.post(f"{API}/deliveries/d-2/retry", json={})
    assert (answer.status_code, answer.json()) == (200, {"id": "d-2", "state": "waiting"})
    assert await deliveries(client, "state=dead") == []
    assert (await client.post(f"{API}/deliveries/d-2/retry", json={})).status_code == 404
    tested = await client.post(f"{API}/channels/broken/test", json={})
    assert (tested.status_code, tested.json()["state"]) == (200, "dead")
    assert (await client.post(f"{API}/channels/nosuch/test", json={})).status_code == 404
    records = [entry.record for entry in reversed(await house.metadata.audit(Scope(), limit=9))]
    assert [(one.actor, one.action, one.subject, dict(one.details)) for one in records] == [
        ("operator", "alert.retry", "d-2", {"channel": "on-call"}),
        ("operator", "alert.test", "broken", {}),
    ]


async def deliveries(client: httpx.AsyncClient, query: str) -> list[str]:
    return [row["id"] for row in (await client.get(f"{API}/deliveries?{query}")).json()["deliveries"]]


async def test_channels_are_for_who_sees_all_and_sent_to_by_operators(house: AlertHouse) -> None:
    house.outbox.kept.append(delivery("d-1", **DEAD))
    reads = (f"{API}/channels", f"{API}/deliveries", "/alerts/channels")
    changes = (f"{API}/channels/on-call/test", f"{API}/deliveries/d-1/retry")
    for key, read, change in (
        ("viewer", 200, 403),
        ("viewer-of-acme", 403, 403),
        ("operator-of-acme", 403, 403),
    ):
        async with house.client(headers={"x-midwatch-key": key}) as client:
            assert {(await client.get(path)).status_code for path in reads} == {read}
            assert {(await client.post(path, json={})).status_code for path in changes} == {change}
            forms = [path.removeprefix("/api/v1") for path in changes]
            assert {(await client.post(path, data={"sure": "yes"})).status_code for path in forms} == {change}
    assert [one.state for one in house.outbox.kept] == [DeliveryState.DEAD]
    assert await house.metadata.audit(Scope(), limit=9) == []


async def test_a_tenant_s_key_reads_and_takes_on_its_own(house: AlertHouse) -> None:
    own = await house.raise_alert(alert(title="ours"))
    theirs = await house.raise_alert(alert("x", tenant="lab", title="theirs"))
    of_all = await house.raise_alert(alert("y", tenant=None, title="the installation's"))
    async with house.client(headers={"x-midwatch-key": "operator-of-acme"}) as client:
        for path in (API, f"{API}?tenant=acme"):
            assert ids(await client.get(path)) == ["ours"]
        assert ids(await client.get(f"{API}?tenant=lab")) == []
        assert "theirs" not in (await client.get(f"{API}.csv")).text
        for one in (theirs, of_all):
            assert (await client.get(f"{API}/{one.id}")).status_code == 404
            assert (await client.post(f"{API}/{one.id}/acknowledge", json={})).status_code == 404
        assert (await client.post(f"{API}/{own.id}/acknowledge", json={})).status_code == 200


async def test_without_an_outbox_there_are_no_channels(house: AlertHouse, client: httpx.AsyncClient) -> None:
    house.offer(None)
    assert (await client.get(f"{API}/channels")).json() == {"channels": []}
    assert (await client.get(f"{API}/deliveries")).json() == {"deliveries": []}
    assert (await client.post(f"{API}/channels/on-call/test", json={})).status_code == 404
    assert (await client.post(f"{API}/deliveries/d/retry", json={})).status_code == 404
    assert "This process sends no alerts" in (await client.get("/alerts/channels")).text


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "", {"params": {"severity": "worst"}}, 422),
        ("GET", "", {"params": {"state": "gone"}}, 422),
        ("GET", "", {"params": {"cursor": "forged"}}, 400),
        ("GET", "", {"params": {"limit": 0}}, 422),
        ("GET", "/deliveries", {"params": {"state": "lost"}}, 422),
        ("GET", "/none", {}, 404),
        ("POST", "/none/acknowledge", {"json": {}}, 404),
        ("POST", "/none/acknowledge", {"json": {"more": 1}}, 422),
        ("POST", "/none/acknowledge", {"content": b"{}", "headers": {"content-type": "text/plain"}}, 415),
        ("POST", "/channels/on-call/test", {"data": {"sure": "yes"}}, 415),
    ],
    ids=["severity", "state", "cursor", "limit", "lost", "none", "take-none", "more", "plain", "form"],
)
async def test_what_programs_ask_wrongly_is_told(
    client: httpx.AsyncClient, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    answer = await client.request(method, f"{API}{path}", **options)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_the_page_of_channels_tells_how_each_does_and_sends_again(
    house: AlertHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    house.outbox.kept += [delivery("d-1"), delivery("d/2", title="lost", incidents=("a", "b"), **DEAD)]
    page = read_html((await client.get("/alerts/channels")).text)
    (table,) = page.find("table", cls="channels")
    assert [row.words for row in table.find("tbody")[0].find("tr")] == [
        "on-call slack works 0 0 3 2026-11-23 00:45 Test",
        "broken slack in trouble no_service 0 0 3 2026-11-23 00:45 Test",
    ]
    assert page.find("h2", id="dead")
    answer = await client.post("/alerts/channels/broken/test", data={"sure": "yes"})
    assert answer.headers["location"] == "/alerts/channels?tested=broken&went=dead"
    page = read_html((await client.get(answer.headers["location"])).text)
    assert page.find(role="status")[0].text == "The test was not taken by broken."
    answer = await client.post("/alerts/deliveries/t-2/retry", data={"sure": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts/channels?again=1")
    told = [entry.record for entry in await house.metadata.audit(Scope(), limit=9)]
    assert [(one.actor, one.action) for one in told] == [("operator", "alert.retry"), ("operator", "alert.test")]
    alone = read_html((await client.get("/alerts/channels?channel=broken")).text)
    assert [row.words for row in alone.find("table", cls="sent")[-1].find("tbody")[0].find("tr")] == [
        "A test broken waiting 2026-11-23 01:40:00 2026-11-23 01:41:00 1"
    ]


async def test_no_address_makes_the_page_say_what_is_not_so(client: httpx.AsyncClient, read_html: Any) -> None:
    for query in ("tested=nosuch&went=sent", "tested=broken&went=gone", "tested=<b>&went=sent"):
        page = read_html((await client.get(f"/alerts/channels?{query}")).text)
        assert not page.find(role="status")

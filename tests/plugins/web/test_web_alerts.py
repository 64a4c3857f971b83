"""Alerts in the console: what goes on first, one with what led to it, who takes it on, and the badge."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch_core.alert_outbox import DeliveryState
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.model.alert import Alert
from midwatch_core.model.finding import Severity
from midwatch_core.model.incident import Incident, IncidentState
from midwatch_core.ports import Scope
from midwatch_web.alerts.advice import ADVICE, places_of
from midwatch_web.alerts.lasting import lasting
from tests.plugins.web.alert_house import AlertHouse, alert, alert_house
from tests.plugins.web.conftest import NOW
from tests.plugins.web.kept_outbox import delivery
from tests.plugins.web.served_routes import pages

EVIL = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
async def house(tmp_path: Path) -> AlertHouse:
    return await alert_house(tmp_path)


@pytest.fixture
async def client(house: AlertHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(headers={"x-midwatch-key": "operator"}) as client:
        yield client


def trouble(fingerprint: str = "store:away", **changes: Any) -> Alert:
    """The installation's own."""
    made = alert(fingerprint, category="store", severity=Severity.CRITICAL, title="the store is away", tenant=None)
    return replace(made, details={}, **changes)


def titles(page: Any, section: str) -> list[str]:
    tables = [item for item in page.find("section") if item.attributes.get("aria-labelledby") == section]
    return [cell.find("a")[0].text for table in tables for cell in table.find("td", cls="what")]


async def test_what_goes_on_stands_first_untaken_and_gravest_above_and_what_is_over_below(
    house: AlertHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    mild = alert("a:mild", severity=Severity.LOW, title="mild")
    taken = await house.raise_alert(alert("a:taken", severity=Severity.CRITICAL, title="taken on"))
    over = alert("a:over", title="over", at=NOW - timedelta(hours=3))
    await house.raise_alert(over)
    await house.end(over)
    await house.raise_alert(mild)
    await house.raise_alert(trouble())
    await client.post(f"/alerts/{taken.id}/acknowledge", data={"sure": "yes"})
    page = read_html((await client.get("/alerts")).text)
    assert titles(page, "going-on") == ["the store is away", "mild", "taken on"]
    assert titles(page, "over") == ["over"]
    (row,) = [row for row in page.find("tr", cls="critical") if "taken on" in row.words]
    assert "acknowledged taken on by operator" in row.words
    assert not row.find("button")
    assert "3 h 00 min" in page.find("section")[1].words


async def test_an_empty_house_says_that_all_is_quiet(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/alerts")).text)
    assert "All is quiet" in page.words
    assert page.find("span", cls="badge", id="waiting-alerts")[0].attributes.get("hidden", "") is None


@pytest.mark.parametrize(
    ("query", "going_on", "over"),
    [
        ("state=open", ["store", "b"], []),
        ("state=acknowledged", ["a"], []),
        ("state=resolved", [], ["c"]),
        ("severity=critical", ["store"], []),
        ("category=anomaly", ["b", "a"], ["c"]),
        ("tenant=lab", ["b"], []),
        ("fingerprint=f:a", ["a"], []),
        ("state=gone&severity=worst&category=&tenant=", ["store", "b", "a"], ["c"]),
        ("category=nosuch", [], []),
    ],
)
async def test_filters_are_in_the_address(
    house: AlertHouse, client: httpx.AsyncClient, read_html: Any, query: str, going_on: list[str], over: list[str]
) -> None:
    ended = alert("f:c", title="c", severity=Severity.MEDIUM)
    await house.raise_alert(ended)
    await house.end(ended)
    taken = await house.raise_alert(alert("f:a", title="a"))
    await house.raise_alert(alert("f:b", title="b", tenant="lab"))
    await house.raise_alert(trouble(title="store"))
    await client.post(f"/alerts/{taken.id}/acknowledge", data={"sure": "yes"})
    page = read_html((await client.get(f"/alerts?{query}")).text)
    assert (titles(page, "going-on"), titles(page, "over")) == (going_on, over)
    (board,) = page.find("div", id="board")
    assert board.attributes["hx-trigger"] == "every 10s"
    again = read_html((await client.get(board.attributes["hx-get"])).text)
    assert titles(again, "going-on") == going_on


async def test_what_is_over_is_read_page_by_page(house: AlertHouse, client: httpx.AsyncClient, read_html: Any) -> None:
    for number in range(60):
        await house.metadata.keep_incident(past(f"p-{number:03}", NOW - timedelta(hours=number + 2)))
    await house.raise_alert(alert(title="now"))
    first = read_html((await client.get("/alerts")).text)
    (address,) = [link.attributes["href"] for link in first.find("a") if link.text == "Older alerts"]
    second = read_html((await client.get(address)).text)
    assert titles(first, "over") + titles(second, "over") == [f"p-{number:03}" for number in range(60)]
    assert titles(second, "going-on") == []
    assert "hx-get" not in second.find("div", id="board")[0].attributes
    assert (await client.get("/alerts?cursor=forged")).status_code == 400


def past(incident_id: str, began_at: Any, **changes: Any) -> Incident:
    made = Incident(
        id=incident_id,
        fingerprint="anomaly:acme:model:gpt-5-mini:cost_usd:high",
        category="anomaly",
        severity=Severity.MEDIUM,
        title=incident_id,
        began_at=began_at,
        last_at=began_at,
        tenant="acme",
        resolved_at=began_at + timedelta(hours=1),
    )
    return replace(made, **changes)


async def test_an_alert_says_what_led_to_it_what_to_do_where_it_was_told_and_when_it_was_before(
    house: AlertHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    await house.metadata.keep_incident(past("before", NOW - timedelta(days=2)))
    made = await house.raise_alert(alert(details={**alert().details, "model": "gpt-5-mini"}))
    house.outbox.kept.append(delivery("d-1", incidents=(made.id,)))
    dead = delivery("d-2", incidents=(made.id, "x"), state=DeliveryState.DEAD, problem="no_service", sent_at=None)
    house.outbox.kept.append(dead)
    page = read_html((await client.get(f"/alerts/{made.id}")).text)
    words = page.words
    for told in ("Value 41.20 USD", "Baseline 3.10 USD", "Sigma 0.80", "Top contributors agent planner 92 %"):
        assert told.lower() in words.lower()
    assert ADVICE["anomaly"] in words
    assert "given up no_service" in words
    links = {link.attributes["href"] for link in page.find("a")}
    assert {"/alerts/before", "/calls?tenant=acme&model=gpt-5-mini", "/costs?tenant=acme&model=gpt-5-mini"} <= links
    assert [item.words for item in page.find("div", cls="talk")[0].find("h2")] == [
        "Nobody sees to it yet",
        "What to do",
        "What led to it",
        "Where it was told",
        "At other times",
    ]


async def test_taking_one_on_is_on_record_and_done_once(
    house: AlertHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    made = await house.raise_alert(alert())
    answer = await client.post(f"/alerts/{made.id}/acknowledge", data={"sure": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{made.id}")
    page = read_html((await client.get(answer.headers["location"])).text)
    assert not [button for button in page.find("button") if button.text == "Acknowledge"]
    assert "Taken on by operator" in page.words
    answer = await client.post(f"/alerts/{made.id}/acknowledge", data={"back": "?severity=high&x=//evil.example"})
    assert answer.headers["location"] == "/alerts?severity=high"
    entries = await house.metadata.audit(Scope(), limit=10)
    assert [(entry.record.actor, entry.record.action) for entry in entries] == [("operator", "alert.acknowledge")]
    assert (await client.post("/alerts/none/acknowledge", data={"sure": "yes"})).status_code == 404


async def test_a_form_of_another_site_takes_nothing_on(house: AlertHouse, client: httpx.AsyncClient) -> None:
    made = await house.raise_alert(alert())
    foreign = {"sec-fetch-site": "cross-site"}
    place = f"/alerts/{made.id}/acknowledge"
    assert (await client.post(place, data={"sure": "yes"}, headers=foreign)).status_code == 403
    assert (await client.post(place, json={})).status_code == 415
    assert house.desk.open()[0].state is IncidentState.OPEN


async def test_a_viewer_reads_and_takes_nothing_on(house: AlertHouse, read_html: Any) -> None:
    made = await house.raise_alert(alert())
    async with house.client(headers={"x-midwatch-key": "viewer"}) as client:
        for path in ("/alerts", f"/alerts/{made.id}"):
            page = read_html((await client.get(path)).text)
            assert not [button for button in page.find("button") if "Acknowledge" in button.text]
        assert (await client.post(f"/alerts/{made.id}/acknowledge", data={"sure": "yes"})).status_code == 403


async def test_a_tenant_s_key_sees_its_own_and_nothing_of_the_installation(house: AlertHouse, read_html: Any) -> None:
    own, other = await house.raise_alert(alert()), await house.raise_alert(alert("x", tenant="lab", title="theirs"))
    house.outbox.kept.append(delivery("d-1", incidents=(own.id,), title="a message"))
    of_all = await house.raise_alert(trouble())
    async with house.client(headers={"x-midwatch-key": "operator-of-acme"}) as client:
        page = read_html((await client.get("/alerts?tenant=lab")).text)
        assert titles(page, "going-on") == []
        page = read_html((await client.get("/alerts")).text)
        assert titles(page, "going-on") == [alert().title]
        assert page.find("span", id="waiting-alerts")[0].words == ": 1 open"
        assert not page.find("nav", cls="tabs")
        assert not page.find("select", name="tenant")
        assert "a message" not in read_html((await client.get(f"/alerts/{own.id}")).text).words
        for one in (other, of_all):
            assert (await client.get(f"/alerts/{one.id}")).status_code == 404
            assert (await client.post(f"/alerts/{one.id}/acknowledge", data={"sure": "yes"})).status_code == 404
        assert (await client.get("/alerts/channels")).status_code == 403


async def test_the_badge_and_the_overview_count_what_nobody_has_taken_on(
    house: AlertHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    taken = await house.raise_alert(alert("a:taken", severity=Severity.CRITICAL))
    await house.raise_alert(alert("a:mild", severity=Severity.LOW, title="mild"))
    await client.post(f"/alerts/{taken.id}/acknowledge", data={"sure": "yes"})
    page = read_html((await client.get("/")).text)
    assert page.find("span", id="waiting-alerts")[0].words == ": 1 open"
    (notice,) = [item for item in page.find("p", cls="notice") if "open alert" in item.words]
    assert notice.words.startswith("1 open alert : mild since")
    assert notice.find("a")[0].attributes["href"] == "/alerts?state=open"


async def test_a_face_alone_counts_what_it_saw_in_the_store_and_lists_what_that_has_now(
    house: AlertHouse, read_html: Any
) -> None:
    ended = await house.raise_alert(alert("a:ended", title="ended since"))
    going_on = await house.raise_alert(alert("a:on", title="goes on"))
    await house.face_alone()
    await house.metadata.keep_incident(replace(ended, resolved_at=NOW))
    async with house.client(headers={"x-midwatch-key": "operator"}) as client:
        page = read_html((await client.get("/alerts")).text)
        assert page.find("span", id="waiting-alerts")[0].words == ": 2 open"
        assert (titles(page, "going-on"), titles(page, "over")) == (["goes on"], ["ended since"])
        await client.post(f"/alerts/{going_on.id}/acknowledge", data={"sure": "yes"})
        page = read_html((await client.get("/")).text)
        assert page.find("span", id="waiting-alerts")[0].words == ": 0 open"
        house.metadata.failure = StorageUnavailableError("away")
        assert titles(read_html((await client.get("/alerts")).text), "going-on") == ["goes on"]


async def test_without_its_store_the_list_shows_what_this_process_knows(
    house: AlertHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    made = await house.raise_alert(trouble())
    await house.raise_alert(alert())
    house.metadata.failure = StorageUnavailableError("away")
    house.traces.failure = StorageUnavailableError("away")
    page = read_html((await client.get("/alerts?severity=critical")).text)
    assert titles(page, "going-on") == ["the store is away"]
    assert "only what goes on is shown" in page.words
    assert (await client.get(f"/alerts/{made.id}")).status_code == 200
    assert (await client.get("/alerts/none")).status_code == 503


async def test_an_outbox_that_can_t_be_read_hides_no_alert(
    house: AlertHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    made = await house.raise_alert(alert())
    house.outbox.failure = StorageError("the outbox is locked")
    page = read_html((await client.get(f"/alerts/{made.id}")).text)
    assert "can't be read at the moment: the outbox is locked" in page.words


async def test_a_process_without_a_desk_says_so(house: AlertHouse) -> None:
    house.desk = None  # type: ignore[assignment]
    async with house.client(headers={"x-midwatch-key": "operator", "accept": "text/html"}) as client:
        for path in ("/alerts", "/alerts/one", "/alerts/channels", "/alerts/acknowledge/one", "/api/v1/alerts"):
            answer = await client.get(path)
            assert (answer.status_code, "no view of alerts" in answer.text) == (503, True)
        assert (await client.get("/")).status_code == 200


async def test_hostile_texts_stay_texts(house: AlertHouse, client: httpx.AsyncClient, read_html: Any) -> None:
    evil = Incident(
        id="evil",
        fingerprint=EVIL,
        category=EVIL,
        severity=Severity.HIGH,
        title=f"{EVIL}\u202e @everyone [x](javascript:alert(1))",
        began_at=NOW,
        last_at=NOW,
        tenant=EVIL,
        details={EVIL: EVIL, "exchange": EVIL, "model": EVIL, "long": "x" * 2000},
        acknowledged_at=NOW,
        acknowledged_by=EVIL,
    )
    await house.metadata.keep_incident(evil)
    await house.metadata.keep_incident(replace(evil, id="evil-2", resolved_at=NOW))
    house.outbox.kept.append(delivery(EVIL, title=EVIL, problem=EVIL, channel=EVIL, state=DeliveryState.DEAD))
    for path in ("/alerts", f"/alerts?category={EVIL}&tenant={EVIL}", "/alerts/evil", "/alerts/channels"):
        text = (await client.get(path)).text
        page = read_html(text)
        assert not page.find("img", src="x")
        assert len(page.find("script")) == 2
        assert "\u202e" not in text


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.4), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(hours=2, minutes=5), "2 h 05 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
    ],
    ids=str,
)
def test_how_long_something_lasts_is_told_in_two_units(span: timedelta, words: str) -> None:
    assert lasting(span) == words


@pytest.mark.parametrize("category", ADVICE)
def test_every_place_that_is_named_is_a_page(category: str) -> None:
    known = set(pages())
    one = past("one", NOW, category=category, details={"found": "a/b", "model": "m"})
    places = [place.address.partition("?")[0] for place in places_of(one, whole=True)]
    assert set(places) <= known
    house = {"/system", "/rules", "/plugins"}
    assert {place.address for place in places_of(one, whole=False)}.isdisjoint(house)

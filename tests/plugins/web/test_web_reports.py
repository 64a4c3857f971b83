"""Reports in the console and in REST: ordering, waiting, reading, taking away; each caller its own tenant's."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch.control.report_desk import Desk
from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.model.apikey import AccessRole
from midwatch_core.report_desk import ReportError, ReportKind, ReportOrder
from midwatch_web.reports.embedding import embedded
from tests.plugins.web.conftest import NOW, FixedClock, House

PAGE = """<!doctype html><html><head><title>x</title><style>p{color:red}</style></head><body><h1>Out</h1>
<main><h2>What was seen</h2><p onclick="alert(1)" style="x">Of {tenant} <b>so</b></p><script>alert(1)</script>
<table><thead><tr><th scope="col">A</th></tr></thead>
<tbody><tr><td class="short">&lt;script&gt;\u202e</td></tr></tbody></table>
<a data-exchange="01936f00-0000-7000-8000-000000000001">call</a> <a href="javascript:alert(1)">no</a>
<a href="https://example.org/">yes</a><img src="https://example.org/x.png"></main><p>after</p></body></html>"""
SENT = {"kind": "plain", "since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}
KEYS = {
    "operator": Caller(name="mw_oper", role=AccessRole.OPERATOR, tenant="acme"),
    "viewer": Caller(name="mw_view", role=AccessRole.VIEWER, tenant="acme"),
    "lab": Caller(name="mw_lab", role=AccessRole.OPERATOR, tenant="lab"),
    "all": Caller(name="mw_all", role=AccessRole.OPERATOR),
}


class Keys:
    """An `Access` that knows callers by words."""

    required = True

    def caller(self, key: str) -> Caller | None:
        return KEYS.get(key)

    def still(self, caller: Caller) -> bool:
        return caller in KEYS.values()


async def _make(order: ReportOrder) -> bytes:
    if order.tenant == "broken":
        raise ReportError("there is <nothing> to report")
    return (order.tenant or "all").encode()


def _render(body: bytes, form: str) -> bytes:
    return PAGE.replace("{tenant}", body.decode()).encode() if form == "html" else b'{"of": "' + body + b'"}'


PLAIN = ReportKind(
    name="plain",
    title="Plain",
    help="A plain report",
    make=_make,
    render=_render,
    formats={"html": "text/html; charset=utf-8", "json": "application/json"},
)


@pytest.fixture
def desk(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(house.metadata, FixedClock(), tmp_path / "reports.pending")
    desk.open([PLAIN])
    plain_host = House.host
    monkeypatch.setattr(House, "host", lambda self: replace(plain_host(self), reports=desk))
    return desk


@pytest.fixture
def client_of(house: House, desk: Desk) -> Any:
    def client(key: str | None = None) -> httpx.AsyncClient:
        house.access = Keys() if key else None
        return house.client(headers={"x-midwatch-key": key} if key else {})

    return client


async def test_a_report_is_ordered_made_and_taken_away_by_rest(client_of: Any, desk: Desk) -> None:
    async with client_of() as client:
        ordered = await client.post("/api/v1/reports", json={**SENT, "tenant": "acme"})
        assert ordered.status_code == 202
        place = ordered.headers["location"]
        told = (await client.get(place)).json()
        assert (told["report"]["state"], told["report"]["tenant"]) == ("pending", "acme")
        assert (await client.get(f"{place}/json")).status_code == 409
        await desk.make_next()
        told = (await client.get(place)).json()
        assert (told["report"]["state"], told["formats"]) == ("done", ["html", "json"])
        file = await client.get(f"{place}/json")
        assert (file.json(), file.headers["content-type"]) == ({"of": "acme"}, "application/json")
        assert file.headers["content-disposition"].startswith('attachment; filename="midwatch-plain-acme-2026-10-01')
        listed = (await client.get("/api/v1/reports")).json()
        assert [kind["name"] for kind in listed["kinds"]] == ["plain"]
        assert [report["id"] for report in listed["reports"]] == [told["report"]["id"]]


LACKING = replace(
    PLAIN,
    formats={**PLAIN.formats, "pdf": "application/pdf"},
    needs={"pdf": "uv pip install 'midwatch[<pdf>]'"},
)


async def test_what_can_not_be_made_here_is_no_link_and_says_what_is_to_be_installed(
    client_of: Any, desk: Desk, read_html: Any
) -> None:
    desk.open([LACKING])
    async with client_of() as client:
        await client.post("/api/v1/reports", json=SENT)
        assert "midwatch[" not in (await client.get("/reports/list")).text, "nothing is finished yet"
        report = await desk.make_next()
        for path in ("/reports", "/reports/list", f"/reports/{report.id}"):
            page = read_html((await client.get(path)).text)
            links = [link.attributes["href"] for link in page.find("a") if "download" in link.attributes]
            assert links == [f"/reports/{report.id}/html", f"/reports/{report.id}/json"]
            assert [words.text for words in page.find("code")] == [LACKING.needs["pdf"]]
        (button,) = [item for item in page.find("button") if "PDF" in item.text]
        assert "disabled" in button.attributes
        (words,) = page.find("p", id=button.attributes["aria-describedby"])
        assert LACKING.needs["pdf"] in words.text
        told = (await client.get(f"/api/v1/reports/{report.id}")).json()
        assert (told["formats"], told["needs"]) == (["html", "json"], LACKING.needs)
        for path in (f"/api/v1/reports/{report.id}/pdf", f"/reports/{report.id}/pdf"):
            assert (await client.get(path)).status_code == 409
        answer = await client.get(f"/api/v1/reports/{report.id}/pdf")
        assert answer.headers["content-type"] == "application/problem+json"
        assert LACKING.needs["pdf"] in answer.json()["detail"]


async def test_what_can_be_made_here_is_a_link_and_nothing_is_to_be_installed(
    client_of: Any, desk: Desk, read_html: Any
) -> None:
    desk.open([replace(LACKING, needs={})])
    async with client_of() as client:
        await client.post("/api/v1/reports", json=SENT)
        report = await desk.make_next()
        for path in ("/reports", f"/reports/{report.id}"):
            page = read_html((await client.get(path)).text)
            assert page.find("a", href=f"/reports/{report.id}/pdf")
            assert page.find("code") == []
            assert not [item for item in page.find("button") if "disabled" in item.attributes]
        told = (await client.get(f"/api/v1/reports/{report.id}")).json()
        assert (told["formats"], told["needs"]) == (["html", "json", "pdf"], {})
        assert (await client.get(f"/api/v1/reports/{report.id}/pdf")).headers["content-type"] == "application/pdf"


async def test_rest_refuses_what_is_unsound(client_of: Any) -> None:
    async with client_of() as client:
        for sent, status in (
            ({**SENT, "kind": "fancy"}, 409),
            ({**SENT, "until": SENT["since"]}, 409),
            ({**SENT, "more": 1}, 422),
            ({**SENT, "since": "yesterday"}, 422),
            ({"kind": "plain"}, 422),
        ):
            answer = await client.post("/api/v1/reports", json=sent)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        form = await client.post("/api/v1/reports", data=SENT)
        assert form.status_code == 415
        assert (await client.get("/api/v1/reports/none")).status_code == 404
        assert (await client.get("/api/v1/reports/none/json")).status_code == 404
        assert (await client.get("/reports/none")).status_code == 404


async def test_a_key_orders_its_tenants_reports_alone_and_a_viewer_none(client_of: Any, desk: Desk) -> None:
    async with client_of("operator") as client:
        own = await client.post("/api/v1/reports", json=SENT)
        assert own.json()["report"]["tenant"] == "acme"
        assert (await client.post("/api/v1/reports", json={**SENT, "tenant": "lab"})).status_code == 403
    await desk.make_next()
    place = own.headers["location"]
    async with client_of("viewer") as client:
        assert (await client.get(f"{place}/json")).status_code == 200
        assert (await client.post("/api/v1/reports", json=SENT)).status_code == 403
        assert "Order a report" not in (await client.get("/reports")).text
    async with client_of("lab") as client:
        assert (await client.get(place)).status_code == 404
        assert (await client.get(f"{place}/json")).status_code == 404
        assert (await client.get(place.removeprefix("/api/v1"))).status_code == 404
        assert (await client.get("/api/v1/reports")).json()["reports"] == []
    async with client_of("all") as client:
        assert (await client.get(place)).status_code == 200
        assert (await client.post("/api/v1/reports", json=SENT)).json()["report"]["tenant"] is None


async def test_the_page_says_what_to_do_first_and_orders_by_form(client_of: Any, desk: Desk, read_html: Any) -> None:
    async with client_of() as client:
        page = read_html((await client.get("/reports")).text)
        assert "No report was made yet" in page.words
        assert [button.attributes["value"] for button in page.find("button", name="kind")] == ["plain"]
        sent = await client.post("/reports", data={"kind": "plain", "period": "last-month", "tenant": " acme "})
        assert (sent.status_code, sent.headers["location"]) == (303, "/reports")
        (report,) = await desk.reports(LOCAL)
        assert (str(report.since), str(report.until)) == ("2026-10-01 00:00:00+00:00", "2026-11-01 00:00:00+00:00")
        assert report.tenant == "acme"
        page = read_html((await client.get("/reports")).text)
        (section,) = page.find("section", id="made")
        assert section.attributes["hx-get"] == "/reports/list"
        await desk.make_next()
        part = read_html((await client.get("/reports/list")).text)
        assert "hx-get" not in part.find("section", id="made")[0].attributes
        assert [link.attributes["href"] for link in part.find("a") if "download" in link.attributes] == [
            f"/reports/{report.id}/html",
            f"/reports/{report.id}/json",
        ]


@pytest.mark.parametrize(
    ("fields", "since", "until"),
    [
        ({"period": "7d"}, "2026-11-16T00:00:00+00:00", NOW.isoformat()),
        ({"period": "this-month"}, "2026-11-01T00:00:00+00:00", NOW.isoformat()),
        (
            {"period": "days", "since": "2026-11-03", "until": "2026-11-04"},
            "2026-11-03T00:00:00+00:00",
            "2026-11-05T00:00:00+00:00",
        ),
    ],
    ids=["week", "month", "days"],
)
async def test_periods_of_the_form(client_of: Any, desk: Desk, fields: Any, since: str, until: str) -> None:
    async with client_of() as client:
        assert (await client.post("/reports", data={"kind": "plain", **fields})).status_code == 303
    (report,) = await desk.reports(LOCAL)
    assert report.since is not None
    assert report.until is not None
    assert (report.since.isoformat(), report.until.isoformat()) == (since, until)


@pytest.mark.parametrize(
    "fields", [{"period": "days"}, {"period": "x"}, {"period": "days", "since": "9999-12-31", "until": "9999-12-31"}]
)
async def test_a_period_that_is_none_is_refused(client_of: Any, fields: Any) -> None:
    async with client_of() as client:
        assert (await client.post("/reports", data={"kind": "plain", **fields})).status_code == 409


async def test_a_form_of_another_site_orders_nothing(client_of: Any, desk: Desk) -> None:
    async with client_of() as client:
        for path in ("/reports", "/reports/x/again"):
            sent = await client.post(path, data={"kind": "plain"}, headers={"Sec-Fetch-Site": "cross-site"})
            assert sent.status_code == 403
    assert await desk.reports(LOCAL) == []


async def test_a_report_is_read_in_a_page_of_ours(client_of: Any, desk: Desk, read_html: Any) -> None:
    async with client_of() as client:
        await client.post("/reports", data={"kind": "plain", "tenant": "<acme>"})
        (report,) = await desk.reports(LOCAL)
        assert "It is being made" in (await client.get(f"/reports/{report.id}")).text
        await desk.make_next()
        answer = await client.get(f"/reports/{report.id}")
        page = read_html(answer.text)
        assert [item.text for item in page.find("h1")] == ["Plain"]
        (article,) = page.find("article")
        assert [item.text for item in article.find("h2")] == ["What was seen"]
        assert article.find("script") == article.find("img") == article.find("style") == []
        assert article.find("p")[0].attributes == {}
        assert "after" not in article.words
        links = [link.attributes.get("href") for link in article.find("a")]
        assert links == ["/exchanges/01936f00-0000-7000-8000-000000000001", None, "https://example.org/"]
        assert "U+202E" in article.text


async def test_a_report_that_failed_says_why_and_is_ordered_again(client_of: Any, desk: Desk) -> None:
    async with client_of() as client:
        await client.post("/reports", data={"kind": "plain", "tenant": "broken"})
        failed = await desk.make_next()
        page = (await client.get(f"/reports/{failed.id}")).text
        assert "there is &lt;nothing&gt; to report" in page
        assert (await client.post(f"/reports/{failed.id}/again", data={"x": "1"})).status_code == 303
        assert len(await desk.reports(LOCAL)) == 2


def test_what_is_embedded_is_closed_in_its_place_whatever_was_written(read_html: Any) -> None:
    deep = "<div>" * 500 + "</span></table>" * 3 + "<b>bold"
    for text in (f"<main>{deep}", "<main><table><tr><td>x</main><script>y", "<main></p><p><i>a</p>", "<main>&lt;b&gt;"):
        root = read_html(str(embedded(text)))
        assert root.find("script") == []
    assert str(embedded("<main>&lt;b&gt;<iframe src=x>y</iframe>z")) == "&lt;b&gt;z"
    assert str(embedded("<p>no main</p>")) == ""
    assert "class=" not in str(embedded('<main><p class="a&quot; onclick=x">t</p>'))

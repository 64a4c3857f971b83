"""Rules and plugins in the console: by pack, one in full, how often each fired, and a text tried on all of them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch_core.model.finding import Finding, Severity
from tests.plugins.web.conftest import Element, make_call
from tests.plugins.web.installed import InstalledHouse, Keys, installed_house

RULE = "own/words/zephyr"
type Reader = Callable[[str], Element]


def finding(rule: str = RULE) -> Finding:
    return Finding(
        id=f"f-{rule}", rule=rule, category="prompt_injection", severity=Severity.HIGH, confidence=0.8, message="m"
    )


@pytest.fixture
async def house(tmp_path: Path) -> InstalledHouse:
    house = await installed_house(tmp_path)
    calls = [replace(make_call(number), findings=(finding(),)) for number in (1, 2)]
    await house.traces.put([*calls, replace(make_call(60 * 24 * 8), findings=(finding(),))])
    return house


@pytest.fixture
async def client(house: InstalledHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        yield client


async def test_rules_are_listed_with_how_often_they_fired_of_late(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/rules")
    assert answer.status_code == 200
    rows: dict[str, Any] = {row["id"]: row for row in answer.json()["rules"]}
    assert (rows[RULE]["fired"], rows[RULE]["pack_version"]) == (2, 3)


async def test_one_rule_is_given_with_its_examples(client: httpx.AsyncClient) -> None:
    told = (await client.get(f"/api/v1/rules/{RULE}")).json()
    assert (told["fired"], told["spec"]["examples"]["match"]) == (2, ["a zephyr blows"])
    assert (await client.get("/api/v1/rules/own/words/nosuch")).status_code == 404


async def test_plugins_are_listed(client: httpx.AsyncClient, read_html: Reader) -> None:
    told = (await client.get("/api/v1/plugins")).json()["plugins"]
    assert {row["name"]: row["breaker"] for row in told}["rules"] == "closed"
    page = read_html((await client.get("/plugins")).text)
    assert "rules" in page.text


async def test_the_page_of_rules_is_searched(client: httpx.AsyncClient, read_html: Reader) -> None:
    page = read_html((await client.get("/rules?text=ZEPH&severity=high&fired=1")).text)
    assert "Says <b>zephyr</b>" in page.text
    links = [link.attributes["href"] for link in page.find("a")]
    assert f"/findings?rule={RULE}" in links
    empty = read_html((await client.get("/rules?text=nosuchrule")).text)
    assert "No rule is as you ask" in empty.text


async def test_the_page_of_a_rule_shows_what_it_matches_and_lets_pass(
    client: httpx.AsyncClient, read_html: Reader
) -> None:
    answer = await client.get(f"/rules/{RULE}")
    text = read_html(answer.text).text
    for said in ("(?i)zephyr", "calm", "a poem", "literature", "a zephyr blows", "the wind", "Says <b>zephyr</b>"):
        assert said in text
    assert (await client.get("/rules/own/words/nosuch")).status_code == 404


async def test_a_tried_text_has_what_was_found_marked_on_its_characters(
    client: httpx.AsyncClient, read_html: Reader
) -> None:
    form = {"part": "user", "text": "</textarea>a zephyr <script>"}
    answer = await client.post("/rules/try", data=form)
    assert answer.status_code == 200
    page = read_html(answer.text)
    assert [mark.text for mark in page.find("mark")] == ["zephyr"]
    assert "</textarea>a zephyr <script>" in page.text
    assert "policy would flag" in " ".join(page.text.split())


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"part": "user", "text": " "}, 200, "There is no text to try."),
        ({"part": "nosuch", "text": "x"}, 400, "not one of the parts"),
        ({"text": "x"}, 400, "not one of the parts"),
    ],
    ids=["empty", "no-such-part", "no-part"],
)
async def test_a_text_that_cannot_be_tried_is_refused(
    client: httpx.AsyncClient, form: dict[str, str], status: int, says: str
) -> None:
    answer = await client.post("/rules/try", data=form)
    assert (answer.status_code, says in answer.text) == (status, True)


async def test_a_form_of_another_site_tries_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/rules/try", data={"text": "x"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("key", "status"), [("admin", 200), ("viewer", 200), ("admin-of-acme", 403), ("client", 403), ("nobody", 401)]
)
@pytest.mark.parametrize(
    "path", ["/api/v1/rules", f"/api/v1/rules/{RULE}", "/api/v1/plugins", "/api/v1/system", "/api/v1/config"]
)
async def test_the_installation_is_for_callers_of_no_one_tenant(
    tmp_path: Path, path: str, key: str, status: int
) -> None:
    house = await installed_house(tmp_path / "kept", Keys())
    async with house.client(headers={"Authorization": f"Bearer {key}"}) as client:
        answer = await client.get(path)
    assert answer.status_code == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_without_an_installation_it_is_said(tmp_path: Path) -> None:
    house = await installed_house(tmp_path / "kept")
    app = house.app()
    app.state.host = replace(app.state.host, installation=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8082") as client:
        assert (await client.get("/api/v1/rules")).status_code == 503

"""The system's page, the live configuration, and the REST API as a page."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from midwatch_core import Json
from midwatch_web.system.standing import parts_of
from tests.plugins.web.conftest import Element
from tests.plugins.web.installed import InstalledHouse, Keys, installed_house

type Reader = Callable[[str], Element]


@pytest.fixture
async def house(tmp_path: Path) -> InstalledHouse:
    return await installed_house(tmp_path)


@pytest.fixture
async def client(house: InstalledHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client() as client:
        yield client


async def test_the_system_tells_how_it_stands(client: httpx.AsyncClient) -> None:
    told = (await client.get("/api/v1/system")).json()
    assert (told["ready"], told["journal"]["dead_letters"]) == (True, 0)
    assert [store["store"] for store in told["stores"]] == ["traces", "metadata", "cache"]


async def test_the_live_configuration_says_who_said_what(client: httpx.AsyncClient, house: InstalledHouse) -> None:
    told = (await client.get("/api/v1/config")).json()
    assert told["settings"]["storage"]["profile"] == "memory"
    assert told["said_by"]["storage"] == str(house.settings.home.config_file)


async def test_the_page_shows_troubles_and_settings(client: httpx.AsyncClient, read_html: Reader) -> None:
    text = " ".join(read_html((await client.get("/system")).text).text.split())
    for said in ("<i>spent</i> since", "dead letters0", "Breaker of storeclosed", "storage.profilememory"):
        assert said in text


async def test_the_certificate_that_clients_are_to_trust_can_be_taken_from_the_page(
    client: httpx.AsyncClient, house: InstalledHouse, read_html: Reader
) -> None:
    assert (await client.get("/api/v1/system")).json()["ca_certificate"] is None
    assert "CA certificate" not in (await client.get("/system")).text
    pem = "-----BEGIN CERTIFICATE-----\nAA+/==\n-----END CERTIFICATE-----\n"
    house.settings.home.ca_certificate.parent.mkdir(parents=True, exist_ok=True)
    house.settings.home.ca_certificate.write_text(pem)
    assert (await client.get("/api/v1/system")).json()["ca_certificate"] == pem
    (link,) = [
        item for item in read_html((await client.get("/system")).text).find("a") if item.attributes.get("download")
    ]
    assert unquote(str(link.attributes["href"])) == f"data:application/x-pem-file,{pem}"


async def test_a_tenants_caller_does_not_see_the_system(tmp_path: Path) -> None:
    house = await installed_house(tmp_path / "kept", Keys())
    headers = {"Authorization": "Bearer admin-of-acme", "Accept": "text/html"}
    async with house.client(headers=headers) as client:
        assert (await client.get("/system")).status_code == 403
        assert 'href="/system"' not in (await client.get("/rest")).text


async def test_the_rest_api_is_a_page_with_every_operation(client: httpx.AsyncClient, read_html: Reader) -> None:
    page = read_html((await client.get("/rest")).text)
    document = (await client.get("/api/v1/openapi.json")).json()
    operations = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    shown = {element.attributes.get("id") for element in page.find("details")}
    assert set(operations) <= shown
    assert "`" not in " ".join(element.text for element in page.find("summary"))
    assert "cursor" in {element.text for element in page.find("code")}


async def test_a_path_that_is_not_there_is_a_problem_for_programs_and_a_page_for_people(
    client: httpx.AsyncClient, read_html: Reader
) -> None:
    for path, accept, kind in (
        ("/api/v1/nosuch", "text/html", "application/problem+json"),
        ("/nosuch", "application/json", "application/problem+json"),
        ("/nosuch", "text/html,*/*", "text/html; charset=utf-8"),
    ):
        answer = await client.get(path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (404, kind)
    said = read_html(answer.text).find("section", cls="empty")[0].text
    assert said.count("Not Found") == 1
    assert "There is nothing at this address." in said


async def test_a_wrong_method_is_told_which_there_are(client: httpx.AsyncClient) -> None:
    for path, allow in (("/api/v1/tenants", "GET, POST"), ("/policies/edit", "GET, POST"), ("/api/v1/rules", "GET")):
        answer = await client.request("PUT", path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("workers", "degraded", "says", "look"),
    [(2, [], "2", "good"), (0, [], "0", "bad"), (1, ["w1"], "1; dying again and again: w1", "bad")],
)
def test_a_worker_that_dies_again_and_again_is_named(workers: int, degraded: list[Json], says: str, look: str) -> None:
    (line,) = [line for line in parts_of({"workers": workers, "workers_degraded": degraded}) if line.name == "Workers"]
    assert (line.says, line.look) == (says, look)

"""The inventory as a page and for programs: within the caller's scope, hostile names harmless, shadow AI by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from midwatch_core.model.sighting import Seen, Sighting

AT = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


def sighting(**changes: Any) -> Sighting:
    told = {"host": "api.openai.com", "tenant": "default", "seen": Seen.DECRYPTED, "first_at": AT, "last_at": AT}
    return Sighting(**{**told, "provider": "openai", "connections": 2, "calls": 1234, **changes})


SHADOW = sighting(
    host="chatgpt.com",
    seen=Seen.SNI,
    known=False,
    provider=None,
    calls=0,
    client="10.0.0.7",
    process="<b>firefox",
    container="0123456789ab",
    last_at=AT + timedelta(minutes=1),
)


@pytest.fixture
async def seen(house: Any) -> None:
    await house.metadata.sight([sighting(app="notebook", user_agent="openai-python"), SHADOW])


@pytest.mark.usefixtures("seen")
async def test_the_page_tells_who_talked_to_what_and_what_was_read(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/hosts")).text)
    rows = [[cell.words for cell in row.find("td")] for row in page.find("tbody", id="rows")[0].find("tr")]
    assert rows == [
        [
            "2026-11-23 01:31",
            "ChatGPT shadow AI chatgpt.com",
            "10.0.0.7 default",
            "<b>firefox container 0123456789ab",
            "sni",
            "2",
            "0",
        ],
        ["2026-11-23 01:30", "openai api.openai.com", "– default", "notebook", "decrypted", "2", "1,234"],
    ]
    (here,) = [link for link in page.find("a") if link.attributes.get("aria-current")]
    assert here.attributes["href"] == "/hosts"


@pytest.mark.usefixtures("seen")
async def test_shadow_ai_can_be_looked_at_by_itself(client: httpx.AsyncClient) -> None:
    page = (await client.get("/hosts?unknown=1")).text
    assert "chatgpt.com" in page
    assert "api.openai.com" not in page
    told = (await client.get("/api/v1/hosts", params={"known": "false"})).json()
    assert [row["host"] for row in told["hosts"]] == ["chatgpt.com"]


@pytest.mark.usefixtures("seen")
async def test_programs_get_the_keys_of_the_command(client: httpx.AsyncClient) -> None:
    (row,) = (await client.get("/api/v1/hosts", params={"since": "2026-11-23T01:31:00"})).json()["hosts"]
    assert row == {
        "host": "chatgpt.com",
        "title": "ChatGPT",
        "provider": None,
        "known": False,
        "seen": "sni",
        "tenant": "default",
        "client": "10.0.0.7",
        "app": None,
        "user_agent": None,
        "process": "<b>firefox",
        "container": "0123456789ab",
        "connections": 2,
        "calls": 0,
        "first_at": "2026-11-23T01:30:00+00:00",
        "last_at": "2026-11-23T01:31:00+00:00",
    }
    assert (await client.get("/api/v1/hosts", params={"client": "10.0.0.8"})).json() == {"hosts": []}
    assert (await client.get("/api/v1/hosts", params={"limit": "0"})).status_code == 422


async def test_with_nothing_seen_the_page_says_so(client: httpx.AsyncClient) -> None:
    assert "No AI service was talked to yet." in (await client.get("/hosts")).text
    assert "No shadow AI was talked to." in (await client.get("/hosts?unknown=1")).text

"""`hosts`: over a store that no control serves, and through one that lives; and clients that are pinned."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch.pinned_file import read_pinned, write_pinned
from midwatch.settings import resolve
from midwatch_core.model.sighting import Seen, Sighting
from midwatch_core.pins import Pin, Pins, pin_row
from midwatch_core.storage import open_storage, storage_profile
from tests.addons.cli.administered import living_control, rows, rows_of_control

NOW = datetime.now(UTC)


def sighting(**changes: Any) -> Sighting:
    at = NOW - timedelta(hours=1)
    told = {"host": "api.openai.com", "tenant": "default", "seen": Seen.DECRYPTED, "first_at": at, "last_at": at}
    told |= {"provider": "openai", "client": "127.0.0.1", "app": "agent", "connections": 2, "calls": 1234}
    return Sighting(**{**told, **changes})


SHADOW = sighting(
    host="claude.ai",
    seen=Seen.SNI,
    provider=None,
    known=False,
    client="10.0.0.7",
    app=None,
    process="fire\x1b[31mfox",
    container="0123456789ab",
    calls=0,
    last_at=NOW,
)
PINNED = sighting(seen=Seen.PINNED, app=None, calls=0, last_at=NOW - timedelta(minutes=1))


@pytest.fixture
def seen(home: Home) -> None:
    async def put() -> None:
        settings = resolve(home, config_file=None, flags={})
        storage = open_storage(settings.plugins, storage_profile(settings.config, home.root))
        await storage.start()
        await storage.metadata.sight([sighting(), SHADOW, PINNED])
        await storage.close()

    asyncio.run(put())


@pytest.mark.usefixtures("seen")
def test_people_get_a_table_and_what_its_words_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hosts"]) == 0
    said = capsys.readouterr().out
    lines = [line.strip() for line in said.splitlines()]
    (first,) = [line for line in lines if line.startswith("claude.ai *")]
    assert "Claude" in first
    assert "fire\N{REPLACEMENT CHARACTER}[31mfox in 0123456789ab" in first
    assert [line.split()[0] for line in lines if line.startswith(("api", "claude"))] == [
        "claude.ai",
        "api.openai.com",
        "api.openai.com",
    ]
    assert "1,234" in said
    assert "sni: passed through unread; only the name is known." in said
    assert "see: hosts pinned" in said
    assert "refused:" not in said
    assert "*: shadow AI" in said


@pytest.mark.usefixtures("seen")
def test_programs_get_rows_and_may_narrow_them(capsys: pytest.CaptureFixture[str]) -> None:
    listed = rows(capsys, "hosts")
    assert [(row["host"], row["title"], row["seen"]) for row in listed] == [
        ("claude.ai", "Claude", "sni"),
        ("api.openai.com", "OpenAI", "pinned"),
        ("api.openai.com", "OpenAI", "decrypted"),
    ]
    assert rows(capsys, "hosts", "--unknown") == listed[:1]
    assert rows(capsys, "hosts", "--client", "127.0.0.1") == listed[1:]
    assert rows(capsys, "hosts", "--since", "30m") == listed[:2]
    assert rows(capsys, "hosts", "--limit", "1") == listed[:1]


def test_where_nothing_was_seen_that_is_said_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rows(capsys, "hosts") == []
    assert main(["hosts"]) == 0
    assert "No AI service was talked to yet." in capsys.readouterr().err
    assert main(["hosts", "--unknown", "--client", "10.0.0.7"]) == 0
    assert "No AI service was talked to that matches." in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


async def test_control_answers_where_it_lives(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    async with living_control(home) as control:
        await control.metadata.sight([SHADOW])
        (row,) = await rows_of_control(capsys, "hosts", "--unknown")
        assert row["host"] == "claude.ai"


def pin(host: str = "api.openai.com", hours: float = 1, **changes: Any) -> Pin:
    told = {"client": "127.0.0.1", "host": host, "fingerprint": "f", "why": "its alert: unknown ca"}
    return Pin(**{**told, "until": NOW + timedelta(hours=hours), **changes})


def test_pinned_clients_are_listed_until_their_time_is_over(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    write_pinned(home, Pins([pin(process="node pinned"), pin("ended", hours=-1)]))
    (row,) = rows(capsys, "hosts", "pinned")
    assert (row["host"], row["process"]) == ("api.openai.com", "node pinned")
    assert main(["hosts", "pinned"]) == 0
    assert "127.0.0.1 (node pinned)" in capsys.readouterr().out


def test_without_control_they_are_forgotten_in_the_file(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    write_pinned(home, Pins([pin(), pin("b"), pin("b", client="c")]))
    assert main(["hosts", "unpin", "API.openai.com"]) == 0
    assert main(["hosts", "unpin", "--client", "c"]) == 0
    assert [item.host for item in read_pinned(home).all()] == ["b"]
    assert main(["hosts", "unpin"]) == 0
    assert main(["hosts", "unpin"]) == 1
    assert capsys.readouterr().out.splitlines() == ["1 forgotten", "1 forgotten", "1 forgotten", "none to forget"]
    assert main(["hosts", "pinned"]) == 0
    assert "No client refused our certificate." in capsys.readouterr().err


async def test_control_forgets_them_where_it_lives(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    async with living_control(home) as control:
        await control.pinned.take([pin_row(pin())])
        assert await asyncio.to_thread(main, ["hosts", "unpin", "api.openai.com"]) == 0
    assert "1 forgotten" in capsys.readouterr().out
    assert read_pinned(home).all() == []


def test_doctor_names_them_and_what_to_do(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    write_pinned(home, Pins(pin(f"h{number:02}.example") for number in range(25)))
    main(["doctor", "--json"])
    checks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [check for check in checks if check["name"].startswith("pinned")]
    assert len(told) == 22
    assert told[0]["name"] == "pinned h00.example"
    assert told[0]["says"].startswith("127.0.0.1 passes unread until")
    assert told[-2]["says"] == "and 5 more: see `hosts pinned`"
    assert "hosts unpin" in told[-1]["says"]
    assert all(check["ok"] is None for check in told)


def test_doctor_names_a_damaged_file(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.pinned.write_text("nonsense")
    assert main(["doctor", "--json"]) == 1
    assert "it can be deleted" in capsys.readouterr().out
    assert main(["hosts", "pinned"]) == 2

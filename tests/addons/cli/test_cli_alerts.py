"""`alerts`: what the plugin's commands do to channels is on record, with control and without it."""

import asyncio

import pytest

from midwatch.cli import main
from midwatch.home import Home
from tests.addons.cli.administered import living_control, rows, rows_of_control
from tests.ports import free_port


@pytest.fixture
def channels(home: Home) -> str:
    """Settings of a channel that nobody listens at."""
    text = f"alerts: {{channels: [{{name: ops, kind: webhook, url: 'http://127.0.0.1:{free_port()}/'}}]}}\n"
    home.config_file.write_text(text)
    return text


@pytest.mark.usefixtures("channels")
def test_a_test_is_on_record_in_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "test", "ops"]) == 1
    assert "ops did not take it" in capsys.readouterr().out
    (entry,) = rows(capsys, "audit")
    assert (entry["actor"], entry["action"], entry["subject"], entry["details"]) == ("local", "alert.test", "ops", {})


@pytest.mark.usefixtures("channels")
async def test_a_control_that_lives_puts_it_on_record(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    async with living_control(home):
        assert await asyncio.to_thread(main, ["alerts", "test", "ops"]) == 1
        capsys.readouterr()
        (entry,) = await rows_of_control(capsys, "audit")
    assert (entry["actor"], entry["action"], entry["subject"]) == ("local", "alert.test", "ops")
    assert not (home.root / "midwatch.db").exists()


def test_a_store_in_memory_that_is_nowhere_keeps_no_test_back(
    home: Home, channels: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home.config_file.write_text(f"storage: memory\n{channels}")
    assert main(["alerts", "test", "ops"]) == 1
    assert "ops did not take it" in capsys.readouterr().out


@pytest.mark.usefixtures("channels")
def test_what_can_not_be_put_on_record_is_not_sent(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.root / "midwatch.db").write_bytes(b"no database at all" * 100)
    assert main(["alerts", "test", "ops"]) == 1
    told = capsys.readouterr()
    assert "midwatch: " in told.err
    assert "took it" not in told.out

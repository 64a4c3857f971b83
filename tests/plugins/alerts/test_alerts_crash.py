"""A process that is killed: what it was told of goes out after the next start, once more where nobody can know."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.alerts.channels.receiver import Receiver, receiving

PROCESS = Path(__file__).with_name("alerts_process.py")


@asynccontextmanager
async def process(home: Path, settings: dict[str, Any], *numbers: str) -> AsyncIterator[None]:
    """Runs from when it has written down what it was told, and is killed at the end."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, str(PROCESS), str(home), json.dumps(settings), *numbers, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert running.stdout is not None
        async with asyncio.timeout(60):
            assert await running.stdout.readline() == b"told\n"
        yield
    finally:
        running.kill()
        await running.wait()


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not there():
            await asyncio.sleep(0.01)


def settings_for(kind: str, receiver: Receiver, **changes: Any) -> dict[str, Any]:
    channel: dict[str, Any] = {"name": "ops", "kind": kind}
    if kind == "pagerduty":
        channel |= {"routing_key": "${MIDWATCH_TEST_KEY}", "base_url": receiver.url}
    else:
        channel |= {"url": receiver.url}
    return {"channels": [channel], "group_s": 0, **changes}


@pytest.mark.parametrize("kind", ["webhook", "pagerduty"])
async def test_killed_between_sending_and_the_answer_it_sends_again_as_the_same_message(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIDWATCH_TEST_KEY", "R0123456789ABCDEF0123456789ABCDEF")
    async with receiving(hang=True) as receiver:
        receiver.answer(202, {"status": "success"})
        settings = settings_for(kind, receiver)
        async with process(tmp_path, settings, "1"):
            await until(lambda: len(receiver.taken) == 1)
        receiver.hang = False
        async with process(tmp_path, settings, "1", "2"):  # core tells again what began lately; here it is told once
            await until(lambda: len(receiver.taken) == 3)
    first, second, third = (taken.document() for taken in receiver.taken)
    assert "Trouble 2" in json.dumps(third)
    if kind == "pagerduty":
        assert first["dedup_key"] == second["dedup_key"]
        assert first["event_action"] == second["event_action"] == "trigger"
    else:
        ids = [taken.headers["webhook-id"] for taken in receiver.taken]
        assert ids[0] == ids[1] != ids[2]
        assert [first["data"]["again"], second["data"]["again"]] == [False, True]


async def test_killed_before_it_is_told_what_waits_goes_out_after_the_next_start(tmp_path: Path) -> None:
    async with receiving() as receiver:
        settings = settings_for("webhook", receiver, group_s=3)
        async with process(tmp_path, settings, "1", "2"):
            pass
        assert receiver.taken == []
        async with process(tmp_path, settings):
            await until(lambda: len(receiver.taken) == 1)
        document = receiver.taken[0].document()
        assert [told["title"] for told in document["data"]["incidents"]] == ["Trouble 1", "Trouble 2"]

"""Asking a control that lives: its answers, its rows as they come, and what is said where it can't keep up."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from midwatch.cli import main
from midwatch.cli.asking import Asker, AskError
from midwatch.home import Home
from midwatch_core.errors import StorageUnavailableError
from midwatch_core.finding_listing import FindingFilter, FindingPage
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding, Severity
from midwatch_core.ports import ExchangeFilter, Page, Scope
from midwatch_core.testing.factories import make_exchange
from midwatch_memory.traces import MemoryTraces
from tests.addons.control.conftest import Control, until


class AwayTraces(MemoryTraces):
    """A store that can't be reached."""

    async def list(self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None) -> Page:
        raise StorageUnavailableError("the disk is away")

    async def findings(
        self, scope: Scope, wanted: FindingFilter, *, limit: int, cursor: str | None = None
    ) -> FindingPage:
        raise StorageUnavailableError("the disk is away")


class LateControl(Control):
    """A control whose store does not keep up with the journal."""

    async def _caught_up(self, timeout_s: float) -> bool:
        return False


async def _open(control: Control) -> AsyncIterator[Control]:
    await control.traces.start()
    await control.metadata.start()
    await control.traces.put([make_exchange() for _ in range(1200)])
    await control.door.start(control.path)
    yield control
    await control.door.close()


@pytest.fixture
async def control(home: Home) -> AsyncIterator[Control]:
    async for opened in _open(Control(home.control_socket)):
        yield opened


@pytest.fixture
async def late(home: Home) -> AsyncIterator[Control]:
    async for opened in _open(LateControl(home.control_socket, traces=AwayTraces())):
        yield opened


async def test_pages_are_joined(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(main, ["traces", "--json", "--limit", "1100"]) == 0
    ids = [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert len(ids) == len(set(ids)) == 1100
    assert ids == sorted(ids, reverse=True)


async def test_a_store_that_is_away_is_said_and_1(late: Control, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(main, ["traces", "--json"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "midwatch: the store is behind: the newest calls are still in the journal",
        "midwatch: the disk is away",
    ]


@pytest.mark.parametrize("words", [["tail"], ["tail", "--json"]])
async def test_a_tail_prints_rows_as_they_come_until_control_ends(
    control: Control, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    following = asyncio.create_task(asyncio.to_thread(main, words))
    await until(lambda: control.live._queues)
    sent: list[Exchange] = [make_exchange(model="gpt-9"), make_exchange(model="gpt-9")]
    control.live.publish(sent)
    shown: list[str] = []
    async with asyncio.timeout(60):
        while len(shown) < 2:
            shown += capsys.readouterr().out.splitlines()
            await asyncio.sleep(0.01)
    await control.door.close()
    assert await following == 0
    assert all("gpt-9" in line for line in shown)


async def test_findings_are_asked_of_control_page_by_page(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    finding = Finding(
        id="f", rule="pack/rule", category="pii", severity=Severity.LOW, confidence=0.5, message="m", plugin="pii"
    )
    await control.traces.put([replace(make_exchange(), findings=(finding,)) for _ in range(40)])
    await control.traces.put([make_exchange() for _ in range(1200)])
    await control.traces.put([replace(make_exchange(), findings=(finding,)) for _ in range(3)])
    assert await asyncio.to_thread(main, ["findings", "--json"]) == 0
    ids = [json.loads(line)["exchange_id"] for line in capsys.readouterr().out.splitlines()]
    assert len(ids) == len(set(ids)) == 43
    assert ids == sorted(ids, reverse=True)
    assert await asyncio.to_thread(main, ["policy", "simulate", "balanced", "--json", "--limit", "600"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert json.loads(last)["summary"]["with_findings"] == 3


async def test_findings_of_a_store_that_is_away_are_1(late: Control, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(main, ["findings"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "midwatch: the disk is away"


async def test_a_control_that_ends_meanwhile_is_told(control: Control, home: Home) -> None:
    async with Asker(home, None).session() as ask:
        assert (await ask({"op": "exchanges", "limit": 1}))["rows"]
        await control.door.close()
        with pytest.raises(AskError, match="ask again"):
            await ask({"op": "exchanges", "limit": 1})

"""The commands `alerts …`: from settings and the outbox's file, whether control runs or not."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from midwatch_alerts import Alerts
from midwatch_alerts.deliveries import Deliveries
from midwatch_alerts.message import MessageKind
from midwatch_alerts.outbox_file import FOLDER, OutboxFile
from midwatch_alerts.settings import Settings
from midwatch_core import ConfigError, Delivery, DeliveryState, IncidentChange, Role, StorageError
from tests.plugins.alerts.alerts_house import done, host, incident, settings, webhook
from tests.plugins.alerts.channels.receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as listening:
        yield listening


type Record = tuple[str, str, dict[str, str]]


async def run(home: Path, told: Settings, words: Sequence[str], log: list[Record] | None = None) -> int:
    """As `midwatch alerts …` does, in a thread: a command has a loop of its own. `log` is what goes on record."""

    async def record(action: str, subject: str, details: Mapping[str, str]) -> None:
        if log is None:
            raise StorageError("the log is away")
        log.append((action, subject, dict(details)))

    house = replace(host(home), role=Role.COMMAND, record=record)
    (command,) = Alerts(told).commands(house)
    return await asyncio.to_thread(command.run, list(words))


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not there():
            await asyncio.sleep(0.01)


async def dead_letters(home: Path) -> list[Delivery]:
    file = OutboxFile(home)
    await file.open()
    try:
        return await Deliveries(file).newest(state=DeliveryState.DEAD, limit=10)
    finally:
        await file.close()


async def test_channels_are_listed_without_an_outbox_and_with_one(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    told = settings([webhook(receiver.url)], group_s=0)
    assert await run(tmp_path, told, ["channels", "--json"]) == 0
    empty = {"name": "ops", "kind": "webhook", "waiting": 0, "sent": 0, "dead": 0, "last_sent_at": None}
    assert json.loads(capsys.readouterr().out) == empty
    assert not (tmp_path / FOLDER).exists()
    house = host(tmp_path)
    plugin = Alerts(told)
    await done(plugin.startup(house))
    await done(plugin.notify(incident(1), IncidentChange.BEGAN))
    await until(lambda: len(receiver.taken) == 1)
    await done(plugin.shutdown(house))
    assert await run(tmp_path, told, ["channels"]) == 0
    assert "0 waiting, 1 sent, 0 given up" in capsys.readouterr().out
    assert await run(tmp_path, Settings(), ["channels"]) == 0
    assert "no channels" in capsys.readouterr().out


async def test_a_test_says_how_it_went(tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    told, log = settings([webhook(receiver.url)]), list[Record]()
    assert await run(tmp_path, told, ["test", "ops"], log) == 0
    assert "ops took it" in capsys.readouterr().out
    receiver.answer(403, b"no")
    assert await run(tmp_path, told, ["test", "ops"], log) == 1
    assert "403" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="no channel 'nobody'; there are: ops"):
        await run(tmp_path, told, ["test", "nobody"], log)
    assert log == [("alert.test", "ops", {})] * 2


async def test_what_can_not_be_put_on_record_is_not_sent(tmp_path: Path, receiver: Receiver) -> None:
    with pytest.raises(StorageError, match="the log is away"):
        await run(tmp_path, settings([webhook(receiver.url)]), ["test", "ops"])
    assert receiver.taken == []


async def test_dead_letters_are_shown_and_a_running_house_sends_one_again(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    told = settings([webhook(receiver.url)], group_s=0)
    assert await run(tmp_path, told, ["dead"]) == 0
    assert "no dead letters" in capsys.readouterr().out
    receiver.answers = [(410, {}, b"gone"), (200, {}, b"ok")]
    house = host(tmp_path)
    plugin = Alerts(told)
    await done(plugin.startup(house))
    await done(plugin.notify(incident(1, title="\x1b[31mTrouble"), IncidentChange.BEGAN))
    async with asyncio.timeout(30):
        while not (dead := await dead_letters(tmp_path)):
            await asyncio.sleep(0.05)
    assert await run(tmp_path, told, ["dead"]) == 0
    out = capsys.readouterr().out
    assert dead[0].id in out
    assert "\x1b" not in out
    log = list[Record]()
    assert await run(tmp_path, told, ["retry", "nothing"], log) == 1
    with pytest.raises(StorageError, match="the log is away"):
        await run(tmp_path, told, ["retry", dead[0].id])
    assert [one.id for one in await dead_letters(tmp_path)] == [dead[0].id]
    assert await run(tmp_path, told, ["retry", dead[0].id], log) == 0
    assert log == [("alert.retry", dead[0].id, {"channel": "ops"})]
    await until(lambda: len(receiver.taken) == 2)
    await done(plugin.shutdown(house))
    assert await run(tmp_path, told, ["dead", "--json"]) == 0


async def test_a_preview_prints_every_kind_and_sends_nothing(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {**webhook(receiver.url), "template": "Our words: {{ subject }}"}
    told = settings([own], console_url="https://m.example", installation="Prod")
    assert await run(tmp_path, told, ["preview"]) == 0
    out = capsys.readouterr().out
    assert all(f"--- {kind.value}\n" in out for kind in MessageKind)
    assert "[Prod]" in out
    assert "https://m.example/alerts/" in out
    assert await run(tmp_path, told, ["preview", "--channel", "ops", "--kind", "began"]) == 0
    out = capsys.readouterr().out
    assert out.count("--- ") == 1
    assert "Our words: [Prod]" in out
    assert receiver.taken == []
    with pytest.raises(ConfigError, match="no channel 'x'"):
        await run(tmp_path, told, ["preview", "--channel", "x"])

"""The door: questions, beats, a tail whose listener leaves; strangers' bytes end their own connection alone."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from midwatch.lines import ControlAbsentError, LineClient
from midwatch.proxy.governing.spending import Spending
from midwatch.proxy.numbers import GOVERNING
from midwatch_core.governing.seeding import BudgetSeed
from midwatch_core.governing.settings import BudgetRule
from midwatch_core.metrics import Metrics
from midwatch_core.model.cost import Cost
from midwatch_core.testing.factories import make_exchange
from tests.addons.control.conftest import Control, until


async def test_questions_are_answered_any_number_on_a_line(control: Control) -> None:
    assert control.path.stat().st_mode & 0o777 == 0o600
    assert await control.client.ask({"op": "status"}) == {"ready": True}
    async with control.client.open() as line:
        for question, key in (
            ({"op": "sync"}, "caught_up"),
            ({"op": "reload"}, "reloaded"),
            ({"op": "exchanges"}, "rows"),
        ):
            await line.send(question)
            assert (await line.receive())[key]
        await line.send({"op": "nosuch"})
        assert "no such question" in (await line.receive())["error"]
    assert control.reloads == 1
    told = await control.client.ask({"op": "reload", "restart": True})
    assert told == {"reloaded": False, "problems": ["bad"], "stamp": 7}


@pytest.mark.parametrize(
    "data", [b"no json\n", b"[1]\n", b"null\n", b'"beat"\n', b'{"op": "beat"}\n', b"\xff\n", b"half"]
)
async def test_strangers_bytes_end_their_own_connection_alone(control: Control, data: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(control.path)
    writer.write(data)
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    assert await control.client.ask({"op": "status"}) == {"ready": True}


async def test_a_tail_gets_rows_as_they_are_stored(control: Control) -> None:
    async with control.client.open() as line:
        await line.send({"op": "tail"})
        assert await line.receive() == {"tailing": True}
        sent = [make_exchange(), make_exchange()]
        control.live.publish(sent)
        assert [(await line.receive())["row"]["id"] for _ in sent] == [exchange.id for exchange in sent]


async def test_a_listener_that_leaves_while_no_rows_come_is_let_go(control: Control) -> None:
    async with control.client.open() as line:
        await line.send({"op": "tail"})
        await line.receive()
        assert len(control.live._queues) == 1
    await until(lambda: not control.live._queues and not control.door._open)


async def test_closing_hangs_up_on_all(control: Control) -> None:
    async with control.client.open() as tail, control.client.open() as idle:
        await tail.send({"op": "tail"})
        await tail.receive()
        await control.door.close()
        assert await tail.receive() is None
        assert await idle.receive() is None
    with pytest.raises(ControlAbsentError):
        await control.client.ask({"op": "status"})


async def test_a_worker_learns_what_a_budget_begins_with(control: Control) -> None:
    exchange = replace(make_exchange(), cost=Cost(amount=Decimal("0.25"), source="test"))
    await control.traces.put([exchange])
    metrics = Metrics()
    metrics.declare(GOVERNING)
    rule = BudgetRule(id="monthly", usd=Decimal(1))
    seed = BudgetSeed(rule=rule, tenant=exchange.identity.tenant, values=(), since=exchange.started_at)
    assert await Spending(control.client, metrics)(seed) == 250_000_000
    assert metrics.samples() == []


async def test_a_socket_left_by_a_dead_control_is_replaced(control: Control) -> None:
    heir = control.new_door()
    await heir.start(control.path)
    assert await control.client.ask({"op": "status"}) == {"ready": True}
    await heir.close()


async def test_no_control_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ControlAbsentError):
        await LineClient(tmp_path / "nosuch.sock").ask({"op": "status"})


async def test_a_control_that_hangs_is_absent(control: Control) -> None:
    async def never(_: float) -> bool:
        await asyncio.sleep(3600)
        return True

    control.door._caught_up = never
    with pytest.raises(ControlAbsentError, match="does not answer"):
        await control.client.ask({"op": "sync"}, timeout_s=0.05)


async def test_a_worker_that_is_gone_is_passed_over(control: Control) -> None:
    async with control.client.open() as line:
        await line.send({"op": "beat", "worker": "w9", "pid": 1, "last": False, "metrics": []})
        await until(lambda: control.tally.living() == ["w9"])
    await control.door.tell_workers({"op": "reload"})
    await until(lambda: not control.door._workers)

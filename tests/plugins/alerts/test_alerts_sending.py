"""Sending, to a real receiver: in its time, no faster than the cap, and until it is taken or given up."""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from midwatch_alerts import outbox_file
from midwatch_alerts.backoff import LONGEST_S, MOST_AGE_S, MOST_ATTEMPTS, backoff_s, is_given_up
from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_alerts.channels.opening import House, open_channel
from midwatch_alerts.deliveries import Deliveries
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.numbers import FAILED, METRICS, SENT
from midwatch_alerts.outbox import Outbox, Outgoing
from midwatch_alerts.outbox_file import FOLDER, NAME, OutboxFile
from midwatch_alerts.rate import RateCap
from midwatch_alerts.sending import Post, Sender
from midwatch_alerts.steady import SteadyTime
from midwatch_alerts.waiting import Edits
from midwatch_core import DeliveryState, Guard, Metrics, Severity
from tests.plugins.alerts.alerts_house import NOW, SetClock, counted, settings, webhook
from tests.plugins.alerts.channels.receiver import Receiver, receiving


@dataclass
class Bench:
    """A sender of one channel over a real outbox; time passes when it is told to."""

    outbox: Outbox
    deliveries: Deliveries
    clock: SetClock = field(default_factory=SetClock)
    metrics: Metrics = field(default_factory=Metrics)
    unsaid: list[str] = field(default_factory=list)

    def sender(self, channel: Channel, per_minute: int = 0) -> Sender:
        self.metrics.declare(METRICS)
        time = SteadyTime.of(self.clock)
        post = Post(outbox=self.outbox, time=time, metrics=self.metrics, guard=Guard(), unsay=self.unsaid.append)
        return Sender("ops", channel, RateCap(per_minute), post)

    async def put(self, *numbers: int) -> None:
        going = [Outgoing(channel="ops", message=message(number), incidents=()) for number in numbers]
        await self.outbox.put(going, Edits(), [], SteadyTime.of(self.clock).now_s())

    async def states(self) -> list[str]:
        return [one.state.value for one in reversed(await self.deliveries.newest(limit=100))]


def message(number: int) -> Message:
    return Message(
        id=f"m-{number:03}",
        kind=MessageKind.BEGAN,
        key=f"k-{number}",
        severity=Severity.HIGH,
        title=f"Trouble {number}",
        incidents=(),
        made_at=NOW,
    )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    file = OutboxFile(tmp_path)
    await file.open()
    yield Bench(outbox=Outbox(file), deliveries=Deliveries(file))
    await file.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def to_receiver(receiver: Receiver) -> AsyncIterator[Channel]:
    (one,) = settings([webhook(receiver.url + "/in")]).channels
    channel = open_channel(one, House())
    yield channel
    await channel.close()


def ids(receiver: Receiver) -> list[str]:
    return [taken.headers["webhook-id"] for taken in receiver.taken]


async def test_messages_are_sent_in_order_and_marked(bench: Bench, receiver: Receiver, to_receiver: Channel) -> None:
    sender = bench.sender(to_receiver)
    await bench.put(1, 2)
    assert [await sender.step() for _ in range(2)] == [0.0, 0.0]
    assert await sender.step() > 0
    assert ids(receiver) == ["m-001", "m-002"]
    assert await bench.states() == ["sent", "sent"]
    assert counted(bench.metrics)[(SENT, "ops", "began")] == 2


async def test_what_is_not_taken_waits_longer_each_time_and_is_given_up(
    bench: Bench, receiver: Receiver, to_receiver: Channel
) -> None:
    sender = bench.sender(to_receiver)
    receiver.answer(503)
    await bench.put(1)
    waits = []
    while await bench.states() == ["waiting"]:
        assert await sender.step() == 0.0
        waits.append(await sender.step())
        bench.clock.pass_by(2 * LONGEST_S)
    assert 3 < waits[0] < 7
    assert waits[:-1] == sorted(waits[:-1]) or max(waits) <= 1.2 * LONGEST_S
    (dead,) = await bench.deliveries.newest(state=DeliveryState.DEAD, limit=5)
    assert dead.attempts == len(receiver.taken) == MOST_AGE_S / (2 * LONGEST_S) + 1
    assert "503" in dead.problem
    assert bench.unsaid == ["m-001"]


async def test_a_channel_that_is_down_is_not_asked_by_every_message(
    bench: Bench, receiver: Receiver, to_receiver: Channel
) -> None:
    sender = bench.sender(to_receiver)
    receiver.answer(500)
    await bench.put(1, 2, 3)
    assert await sender.step() == 0.0
    assert await sender.step() > 0
    assert ids(receiver) == ["m-001"]
    receiver.answer(200)
    bench.clock.pass_by(60)
    while await sender.step() == 0.0:
        pass
    assert sorted(ids(receiver)) == ["m-001", "m-001", "m-002", "m-003"]
    assert sender.problem == ""


async def test_retry_after_is_heeded_and_counts_as_no_try(
    bench: Bench, receiver: Receiver, to_receiver: Channel
) -> None:
    sender = bench.sender(to_receiver)
    receiver.answer(429, retry_after="120")
    await bench.put(1, 2)
    await sender.step()
    assert await sender.step() == pytest.approx(120, abs=1)
    bench.clock.pass_by(121)
    receiver.answer(200)
    while await sender.step() == 0.0:
        pass
    assert await bench.states() == ["sent", "sent"]
    assert counted(bench.metrics)[(FAILED, "ops", "busy")] == 1
    assert (await bench.deliveries.newest(limit=5))[-1].attempts == 1


async def test_what_is_refused_is_a_dead_letter_at_once_and_holds_nobody_up(
    bench: Bench, receiver: Receiver, to_receiver: Channel
) -> None:
    sender = bench.sender(to_receiver)
    receiver.answers = [(400, {}, b"no"), (200, {}, b"ok")]
    await bench.put(1, 2)
    assert [await sender.step() for _ in range(2)] == [0.0, 0.0]
    assert await bench.states() == ["dead", "sent"]
    assert counted(bench.metrics)[(FAILED, "ops", "refused")] == 1


async def test_what_may_have_been_taken_is_sent_again_with_the_same_id_and_says_so(
    bench: Bench, receiver: Receiver, to_receiver: Channel
) -> None:
    sender = bench.sender(to_receiver)
    receiver.drop = True
    await bench.put(1)
    await sender.step()
    receiver.drop = False
    bench.clock.pass_by(60)
    await sender.step()
    assert ids(receiver) == ["m-001", "m-001"]
    assert [taken.document()["data"]["again"] for taken in receiver.taken] == [False, True]
    assert counted(bench.metrics)[(FAILED, "ops", "unknown")] == 1


async def test_no_more_go_in_a_minute_than_the_cap_allows(
    bench: Bench, receiver: Receiver, to_receiver: Channel
) -> None:
    sender = bench.sender(to_receiver, per_minute=2)
    await bench.put(1, 2, 3)
    assert [await sender.step() for _ in range(2)] == [0.0, 0.0]
    assert await sender.step() == pytest.approx(60)
    bench.clock.pass_by(61)
    assert await sender.step() == 0.0
    assert len(receiver.taken) == 3


async def test_a_message_whose_fate_could_not_be_written_down_is_sent_again_and_not_left(
    tmp_path: Path, receiver: Receiver, to_receiver: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the file for longer than is waited for it, while the message is on its way."""
    monkeypatch.setattr(outbox_file, "_BUSY_S", 0.05)
    file = OutboxFile(tmp_path)
    await file.open()
    bench = Bench(outbox=Outbox(file), deliveries=Deliveries(file))
    await bench.put(1)
    holder = sqlite3.connect(tmp_path / FOLDER / NAME, isolation_level=None)
    sender = bench.sender(Holding(to_receiver, holder))
    assert await sender.step() > 0
    holder.execute("ROLLBACK")
    assert (ids(receiver), await bench.states()) == (["m-001"], ["waiting"])
    assert await sender.step() == 0.0
    assert (ids(receiver), await bench.states()) == (["m-001", "m-001"], ["sent"])
    assert receiver.taken[1].document()["data"]["again"]
    holder.close()
    await file.close()


class Holding:
    """A channel during whose first message somebody else begins to write the outbox."""

    kind = "webhook"

    def __init__(self, channel: Channel, holder: sqlite3.Connection) -> None:
        self._channel = channel
        self._holder: sqlite3.Connection | None = holder

    async def send(self, message: Message) -> None:
        await self._channel.send(message)
        if self._holder is not None:
            self._holder.execute("BEGIN IMMEDIATE")
            self._holder = None

    async def close(self) -> None:
        await self._channel.close()


class Broken:
    """A channel with a fault of its own."""

    kind = "broken"

    async def send(self, message: Message) -> None:
        raise KeyError("https://hooks.example/secret")

    async def close(self) -> None:
        pass


async def test_a_channel_with_a_fault_is_told_by_the_kind_of_it_alone(bench: Bench) -> None:
    sender = bench.sender(Broken())
    await bench.put(1)
    assert await sender.step() == 0.0
    assert sender.problem == "failed: KeyError"
    assert await bench.states() == ["waiting"]


def test_backoff_doubles_to_ten_minutes_and_differs_by_message() -> None:
    spans = [(0.8 * plain, 1.2 * plain) for plain in (5, 10, 20, 40, 80, 160, 320, 600, 600)]
    for attempts, (least, most) in enumerate(spans, start=1):
        assert least <= backoff_s("m-1", attempts) <= most
    assert len({backoff_s(f"m-{number}", 3) for number in range(50)}) == 50
    assert backoff_s("m-1", 10**9) <= 1.2 * LONGEST_S


@pytest.mark.parametrize(
    ("attempts", "age_s", "given_up"),
    [(1, 0.0, False), (MOST_ATTEMPTS, 0.0, True), (1, MOST_AGE_S, True)],
    ids=["young", "often", "old"],
)
def test_a_message_is_given_up_when_it_was_tried_often_or_is_old(attempts: int, age_s: float, given_up: bool) -> None:
    assert is_given_up(attempts, age_s) is given_up


def test_a_channel_may_not_ask_to_be_left_alone_for_ever() -> None:
    assert ChannelError("later", wait_s=1e9).wait_s == 1e9
    cap = RateCap(1, [100.0])
    assert cap.wait_s(130.0) == 30.0
    assert RateCap(0, []).wait_s(0.0) == 0.0


def test_a_clock_that_is_set_moves_no_time_of_ours() -> None:
    clock = SetClock()
    time = SteadyTime.of(clock)
    before_s = time.now_s()
    clock.at -= timedelta(days=1)
    clock.passed_s += 5
    assert time.now_s() == before_s + 5

"""Intake: batches in the journal whole or not at all, for who may send them, beside the loop."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from midwatch.control.intake import METRICS, batches
from midwatch.control.intake.batches import Batches
from midwatch.control.intake.room import IntakeRoom
from midwatch.control.intake.taking import JournalIntake
from midwatch.home import Home
from midwatch.settings import resolve
from midwatch_core.access.caller import LOCAL
from midwatch_core.access.directory import Directory
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.clock import SystemClock
from midwatch_core.engine import Engine
from midwatch_core.frame import FrameDecoder
from midwatch_core.intake import MAX_BATCH, IntakeError, IntakeFullError, PlainCall, PlainText, Whose
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Part
from midwatch_core.model.tenant import Tenant
from midwatch_core.policy import Policy
from midwatch_core.reviewing import Reviewer
from midwatch_journal import JournalLimits, JournalReader
from tests.core.telling.sending import ACME, CHAT, NOW, sender, teller, wire

SMALL = JournalLimits(max_bytes=64 * 1024, reserve_bytes=1024, segment_bytes=8 * 1024, refresh_s=0.01, retry_s=0.01)


class House:
    """An intake on a journal of its own, and what is in that."""

    def __init__(self, root: Path, limits: JournalLimits | None = None) -> None:
        self.reader = JournalReader(root)
        self.metrics = Metrics()
        self.metrics.declare(METRICS)
        self.intake = JournalIntake(
            Batches(root, limits or JournalLimits()),
            teller=teller,
            sender=lambda caller, _: sender(caller),
            clock=SystemClock(),
            metrics=self.metrics,
        )

    def journalled(self) -> list[Exchange]:
        decoder = FrameDecoder()
        return [decoder.decode(entry.payload) for entry in self.reader.poll()]

    def counted(self, name: str) -> float:
        return sum(sum(sample.values) for sample in self.metrics.samples() if sample.name == name)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    yield house
    await house.intake.close()
    house.reader.close()


def plain(text: str = "hello", **changes: object) -> PlainCall:
    call = PlainCall(provider="openai", model="m", asked=(PlainText(part=Part.USER, text=text),))
    return replace(call, **changes)  # type: ignore[arg-type]  # the fields of a call


async def test_what_is_taken_is_in_the_journal_when_the_answer_goes_out(house: House) -> None:
    ids = await house.intake.take(LOCAL, [wire(), plain()], source="rest")
    kept = house.journalled()
    assert [exchange.id for exchange in kept] == list(ids)
    assert [exchange.endpoint.dialect for exchange in kept] == ["openai.chat", "plain"]
    assert all(exchange.inspected == () and exchange.cost is None for exchange in kept)
    assert house.counted("midwatch_ingested_total") == 2


async def test_of_a_batch_with_a_call_at_fault_nothing_is_kept(house: House) -> None:
    with pytest.raises(IntakeError) as refused:
        await house.intake.take(LOCAL, [wire(), plain(), plain(provider="")], source="rest")
    assert refused.value.index == 2
    assert house.journalled() == []
    assert house.counted("midwatch_ingest_refused_total") == 1


async def test_calls_of_the_same_key_have_the_same_id(house: House) -> None:
    call = plain(whose=Whose(key="k"), started_at=NOW)
    first = await house.intake.take(ACME, [call], source="rest")
    assert await house.intake.take(ACME, [call], source="otlp") == first
    assert await house.intake.take(LOCAL, [call], source="rest") != first


async def test_another_s_tenant_is_refused_and_nothing_is_kept(house: House) -> None:
    with pytest.raises(AccessDeniedError):
        await house.intake.take(ACME, [plain(), plain(whose=Whose(tenant="lab"))], source="rest")
    assert house.journalled() == []


async def test_no_more_than_a_batch_is_taken_and_nothing_is_nothing(house: House) -> None:
    assert await house.intake.take(LOCAL, [], source="rest") == ()
    with pytest.raises(IntakeError, match="at most"):
        await house.intake.take(LOCAL, [plain()] * (MAX_BATCH + 1), source="rest")


async def test_many_at_once_are_each_taken_whole(house: House) -> None:
    takes = [
        house.intake.take(LOCAL, [plain(f"{taker} {number}") for number in range(20)], source="rest")
        for taker in range(10)
    ]
    ids = [call_id for taken in await asyncio.gather(*takes) for call_id in taken]
    assert [exchange.id for exchange in house.journalled()] == ids


async def test_a_sender_who_leaves_has_sent_all_the_same(house: House) -> None:
    taking = asyncio.create_task(house.intake.take(LOCAL, [plain()], source="rest"))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    await house.intake.take(LOCAL, [plain("after")], source="rest")
    assert len(house.journalled()) == 2


async def test_a_journal_without_room_says_so_and_keeps_nothing_of_the_batch(tmp_path: Path) -> None:
    house = House(tmp_path, SMALL)
    big = [plain("x" * 10_000)] * 5
    await house.intake.take(LOCAL, big, source="rest")
    with pytest.raises(IntakeFullError):
        await house.intake.take(LOCAL, big, source="rest")
    assert len(house.journalled()) == 5
    await house.intake.close()
    house.reader.close()


async def test_when_there_is_room_again_the_same_batch_is_taken(tmp_path: Path) -> None:
    house = House(tmp_path, SMALL)
    big = [plain("x" * 10_000)] * 2
    for _ in range(2):
        await house.intake.take(LOCAL, big, source="rest")
    with pytest.raises(IntakeFullError):
        await house.intake.take(LOCAL, big, source="rest")
    async with asyncio.timeout(60):
        while True:
            house.reader.acknowledge(entry.position for entry in house.reader.poll())
            try:
                await house.intake.take(LOCAL, big, source="rest")
            except IntakeFullError:
                await asyncio.sleep(0.02)
            else:
                break
    await house.intake.close()
    house.reader.close()


async def test_a_batch_that_no_journal_takes_is_no_matter_of_room(tmp_path: Path) -> None:
    house = House(tmp_path, SMALL)
    with pytest.raises(IntakeError, match="in one go") as refused:
        await house.intake.take(LOCAL, [plain("x" * 70_000)], source="rest")
    assert not isinstance(refused.value, IntakeFullError)
    await house.intake.close()
    house.reader.close()


async def test_frames_that_found_no_room_after_all_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer fills the journal after we looked: here, we do not look."""
    monkeypatch.setattr(Batches, "_find_room", lambda *_: None)
    monkeypatch.setattr(batches, "_PAUSE_S", 0.01)
    house = House(tmp_path, SMALL)
    await house.intake.take(LOCAL, [plain("x" * 10_000)] * 5, source="rest")
    with pytest.raises(IntakeFullError, match="any more"):
        await house.intake.take(LOCAL, [plain("x" * 10_000)] * 5, source="rest")
    await house.intake.close()
    house.reader.close()


async def test_what_is_told_at_the_end_is_refused_for_now(house: House) -> None:
    await house.intake.close()
    with pytest.raises(IntakeFullError, match="ending"):
        await house.intake.take(LOCAL, [plain()], source="rest")


@pytest.fixture
def room(tmp_path: Path) -> IntakeRoom:
    """The room as control has it, with the plugins of this environment."""
    file = tmp_path / "config.yaml"
    file.write_text("tenants: {acme: {}}\n")
    home = Home(tmp_path / "home")
    home.prepare()
    settings = resolve(home, config_file=file, flags={})
    metrics = Metrics()
    metrics.declare(METRICS)
    policy = Policy.load(b"policy: {id: t}\nlines: []\n", "t")
    reviewer = Reviewer(Engine(settings.plugins), policy, b"key", SystemClock(), metrics)
    directory = Directory(tenants=(Tenant(name="default", created_at=NOW), Tenant(name="acme", created_at=NOW)))
    return IntakeRoom(settings, reviewer, lambda: directory, SystemClock(), metrics)


async def test_the_room_follows_the_configuration(room: IntakeRoom, tmp_path: Path) -> None:
    own = wire(url=CHAT.replace("api.openai.com", "llm.corp.example"))
    elsewhere = wire(url="https://llm.corp.example/private/path")
    await room.intake.take(LOCAL, [own], source="rest")  # by its path and shape
    with pytest.raises(IntakeError):
        await room.intake.take(LOCAL, [elsewhere], source="rest")
    file = tmp_path / "config.yaml"
    routes = "[{path: /private/path, dialect: openai.chat}]"
    file.write_text(f"providers: [{{name: corp, hosts: [llm.corp.example], routes: {routes}}}]\n")
    room.follow(resolve(Home(tmp_path / "home"), config_file=file, flags={}).config)
    await room.intake.take(LOCAL, [elsewhere], source="rest")
    await room.close()


async def test_the_room_knows_the_tenants_there_are(room: IntakeRoom) -> None:
    await room.intake.take(LOCAL, [plain(whose=Whose(tenant="acme"))], source="rest")
    with pytest.raises(IntakeError, match="nobody"):
        await room.intake.take(LOCAL, [plain(whose=Whose(tenant="nobody"))], source="rest")
    await room.close()


async def test_nothing_is_made_before_the_first_call_is_told(room: IntakeRoom, tmp_path: Path) -> None:
    assert not list((tmp_path / "home").glob("journal/*intake*"))
    await room.close()

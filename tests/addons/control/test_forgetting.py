"""Forgetting: what matches goes, on record, and with it every byte of its texts, also those in the journal."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midwatch.control.cipher import TextCipher
from midwatch.control.encrypting import EncryptedTraces
from midwatch.control.forgetting import OPERATIONS, Forgetting, tell_plugins
from midwatch_core.clock import SystemClock
from midwatch_core.errors import StorageError, StorageUnavailableError
from midwatch_core.forgotten import Forgotten
from midwatch_core.frame import encode
from midwatch_core.hookspecs import hookimpl
from midwatch_core.host import Host, Role
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.audit import AuditEntry, AuditRecord
from midwatch_core.model.exchange import Exchange
from midwatch_core.pipeline import METRICS, Pace, Pipeline
from midwatch_core.ports import ExchangeFilter, MetadataRepository, Scope, TraceRepository
from midwatch_core.queries import Queries
from midwatch_core.testing.factories import BEGINNING, make_exchange
from midwatch_core.testing.incidents_contract import listed, make_incident
from midwatch_core.testing.sightings_contract import make_sighting
from midwatch_core.testing.triage_contract import make_triage
from midwatch_journal import JournalLimits, JournalReader, JournalWriter
from midwatch_memory.metadata import MemoryMetadata
from midwatch_memory.traces import MemoryTraces
from midwatch_sql import open_traces
from tests.addons.control.conftest import Control, until

SAID = "my number is 0176 heliotrope"


async def caught_up(timeout_s: float) -> bool:
    return timeout_s > 0


def forgetting(traces: TraceRepository, metadata: MetadataRepository, *, behind: bool = False) -> Forgetting:
    async def is_behind(_: float) -> bool:
        return False

    return Forgetting(
        queries=Queries(traces=traces),
        metadata=metadata,
        clock=SystemClock(),
        caught_up=is_behind if behind else caught_up,
    )


def of(user: str, number: int, **changes: Any) -> Exchange:
    plain = make_exchange(**changes)
    return replace(plain, identity=replace(plain.identity, user=user), started_at=BEGINNING + timedelta(minutes=number))


class Stores:
    """Memory with three exchanges of Ada, one of whom says something, and one of Bob."""

    def __init__(self, traces: MemoryTraces | None = None, metadata: MemoryMetadata | None = None) -> None:
        self.traces = traces or MemoryTraces()
        self.metadata = metadata or MemoryMetadata()
        self.exchanges = [
            of("ada", 0),
            of("ada", 1, tenant="acme", session="s"),
            of("ada", 2, answer=SAID),
            of("bob", 3),
        ]

    async def start(self) -> "Stores":
        await self.traces.start()
        await self.metadata.start()
        await self.traces.put(self.exchanges)
        return self

    async def ask(self, op: str = "forget", **wanted: Any) -> dict[str, Any]:
        return await forgetting(self.traces, self.metadata).answer({"op": op, "filter": wanted})

    async def left(self) -> set[int]:
        return {n for n, one in enumerate(self.exchanges) if await self.traces.get(Scope(), one.id) is not None}

    async def log(self) -> Sequence[AuditEntry]:
        return await self.metadata.audit(Scope(), limit=10)


@pytest.fixture
async def stores() -> Stores:
    return await Stores().start()


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        ({"user": "ada"}, {0, 1, 2}),
        ({"user": "ada", "tenant": "acme"}, {1}),
        ({"user": "ada", "until": (BEGINNING + timedelta(minutes=1)).isoformat()}, {0}),
        ({"user": "ada", "since": (BEGINNING + timedelta(minutes=1)).isoformat()}, {1, 2}),
        ({"text": "HELIOTROPE"}, {2}),
        ({"tenant": "acme"}, {1}),
        ({"session": "s"}, {1}),
        ({"session": "s", "tenant": "default"}, set()),
        ({"user": "eve"}, set()),
    ],
)
async def test_what_matches_is_counted_and_goes(stores: Stores, wanted: dict[str, Any], gone: set[int]) -> None:
    assert await stores.ask("forget_count", **wanted) == {"count": len(gone), "caught_up": True}
    assert await stores.left() == {0, 1, 2, 3}
    assert await stores.log() == []
    assert await stores.ask(**wanted) == {"count": len(gone), "caught_up": True}
    assert await stores.left() == {0, 1, 2, 3} - gone


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"tenant": "acme"}, {"b1", "b2"}),
        ({"client": "1"}, {"a2", "b2"}),
        ({"tenant": "acme", "client": "1"}, {"a2", "b1", "b2"}),
        ({"tenant": "acme", "until": (BEGINNING + timedelta(minutes=1)).isoformat()}, {"a2", "b1", "b2"}),
        ({"tenant": "acme", "since": BEGINNING.isoformat()}, {"a1", "a2", "b1", "b2"}),
        ({"tenant": "acme", "user": "ada"}, {"a1", "a2", "b1", "b2"}),
        ({"tenant": "acme", "session": "s"}, {"a1", "a2", "b1", "b2"}),
        ({"user": "ada"}, {"a1", "a2", "b1", "b2"}),
    ],
    ids=["tenant", "client", "both", "until", "since", "user of a tenant", "session of a tenant", "user"],
)
async def test_who_is_forgotten_leaves_the_inventory(stores: Stores, wanted: dict[str, Any], left: set[str]) -> None:
    seen = (("a1", "acme", "1"), ("a2", "acme", "2"), ("b1", "default", "1"), ("b2", "default", None))
    for minute, (host, tenant, client) in enumerate(seen):
        at = BEGINNING + timedelta(minutes=minute)
        await stores.metadata.sight([make_sighting(host=host, tenant=tenant, client=client, first_at=at, last_at=at)])
    await stores.ask("forget_count", **wanted)
    assert len(await stores.metadata.sightings(Scope(), limit=9)) == 4
    await stores.ask(**wanted)
    assert {one.host for one in await stores.metadata.sightings(Scope(), limit=9)} == left


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"tenant": "acme"}, {"b"}),
        ({"tenant": "acme", "until": (BEGINNING + timedelta(minutes=1)).isoformat()}, {"a1", "b"}),
        ({"tenant": "acme", "since": BEGINNING.isoformat()}, {"a0", "a1", "b"}),
        ({"tenant": "acme", "user": "ada"}, {"a0", "a1", "b"}),
        ({"client": "1"}, {"a0", "a1", "b"}),
    ],
    ids=["tenant", "until", "since", "user of a tenant", "client"],
)
async def test_a_tenant_that_is_forgotten_leaves_no_judgements(
    stores: Stores, wanted: dict[str, Any], left: set[str]
) -> None:
    for minute, finding_id in enumerate(("a0", "a1")):
        await stores.metadata.keep_triage(make_triage(finding_id, at=BEGINNING + timedelta(minutes=minute)))
    await stores.metadata.keep_triage(make_triage("b", tenant="default"))
    await stores.ask("forget_count", **wanted)
    assert len(await stores.metadata.triage(Scope(), ["a0", "a1", "b"])) == 3
    await stores.ask(**wanted)
    assert {one.finding_id for one in await stores.metadata.triage(Scope(), ["a0", "a1", "b"])} == left


@pytest.mark.parametrize(
    ("wanted", "left", "let_go"),
    [
        ({"tenant": "acme"}, {"b", "ours"}, ["acme"]),
        ({"tenant": "acme", "until": (BEGINNING + timedelta(minutes=1)).isoformat()}, {"a1", "open", "b", "ours"}, []),
        ({"tenant": "acme", "since": BEGINNING.isoformat()}, {"a0", "a1", "open", "b", "ours"}, []),
        ({"tenant": "acme", "user": "ada"}, {"a0", "a1", "open", "b", "ours"}, []),
        ({"client": "1"}, {"a0", "a1", "open", "b", "ours"}, []),
    ],
    ids=["tenant", "until", "since", "user of a tenant", "client"],
)
async def test_a_tenant_that_is_forgotten_leaves_no_incidents(
    stores: Stores, wanted: dict[str, Any], left: set[str], let_go: list[str]
) -> None:
    for minute, incident_id in enumerate(("a0", "a1")):
        ended = BEGINNING + timedelta(minutes=minute)
        await stores.metadata.keep_incident(make_incident(incident_id, resolved_at=ended))
    for incident_id, tenant in (("open", "acme"), ("b", "default"), ("ours", None)):
        await stores.metadata.keep_incident(make_incident(incident_id, tenant=tenant))
    dropped: list[str] = []
    asked = replace(forgetting(stores.traces, stores.metadata), let_go=dropped.append)
    await asked.answer({"op": "forget_count", "filter": wanted})
    assert (len(await listed(stores.metadata)), dropped) == (5, [])
    await asked.answer({"op": "forget", "filter": wanted})
    assert (set(await listed(stores.metadata)), dropped) == (left, let_go)


class Keeper:
    """A plugin that keeps something of its own, and can be told to forget."""

    def __init__(self, stores: Stores) -> None:
        self.told: list[tuple[Forgotten, set[int]]] = []
        self.stores = stores
        self.fails = False

    @hookimpl
    async def forgotten(self, who: Forgotten) -> None:
        self.told.append((who, await self.stores.left()))
        if self.fails:
            raise StorageError("its file is away")


def with_plugins(stores: Stores, keeper: Keeper) -> Forgetting:
    plugins = Plugins()
    plugins.add("keeper", lambda: keeper)
    plugins.activate({})
    host = Host(role=Role.CONTROL, home=Path("unused"), metrics=Metrics())
    return replace(forgetting(stores.traces, stores.metadata), tell=partial(tell_plugins, plugins, host))


async def test_plugins_are_told_whom_to_forget_once_the_stores_have(stores: Stores) -> None:
    keeper = Keeper(stores)
    asked = with_plugins(stores, keeper)
    await asked.answer({"op": "forget_count", "filter": {"tenant": "acme"}})
    await asked.answer({"op": "forget", "filter": {}})
    assert keeper.told == []
    await asked.answer({"op": "forget", "filter": {"tenant": "acme"}})
    assert keeper.told == [(Forgotten(tenant="acme"), {0, 2, 3})]
    await asked.answer({"op": "forget", "filter": {"tenant": "default", "text": "HELIOTROPE"}})
    assert keeper.told[1:] == [(Forgotten(tenant="default", narrowed=True), {0, 3})]


async def test_a_plugin_that_has_not_forgotten_is_told_and_on_record(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Keeper(stores)
    keeper.fails = True
    answer = await with_plugins(stores, keeper).answer({"op": "forget", "filter": {"tenant": "acme"}})
    assert answer == {"count": 1, "caught_up": True, "plugins": ["keeper"]}
    assert "plugin keeper has not forgotten: its file is away" in caplog.text
    failed, asked = [entry.record for entry in await stores.log()]
    assert (asked.action, failed.action, dict(failed.details)) == ("forget", "forget.failed", {"plugins": "keeper"})


async def test_no_plugin_is_told_while_the_store_has_something_left() -> None:
    stores = await Stores(traces=StubbornTraces()).start()
    keeper = Keeper(stores)
    assert "error" in await with_plugins(stores, keeper).answer({"op": "forget", "filter": {"tenant": "acme"}})
    assert keeper.told == []


async def test_it_is_on_record_without_the_text_that_was_searched_for(stores: Stores) -> None:
    since = (BEGINNING + timedelta(minutes=2)).isoformat()
    await stores.ask(user="ada", tenant="default", text=SAID, since=since)
    (entry,) = await stores.log()
    record = entry.record
    digest = hashlib.sha256(SAID.encode()).hexdigest()
    assert (record.actor, record.action, record.tenant, dict(record.details)) == (
        "local",
        "forget",
        "default",
        {"count": "1"},
    )
    assert record.subject == f"since={since}, tenant=default, user=ada, text=sha256:{digest}"


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({}, "whose exchanges are meant is not said: give one of user, key_id"),
        ({"until": BEGINNING.isoformat(), "model": "gpt-5"}, "whose exchanges are meant is not said"),
        ({"user": "ada", "until": "2026-03-01T00:00"}, "time zone"),
        ({"user": "ada", "until": "soon"}, "isoformat"),
        ({"user": 5}, "user: 5 can't be asked for"),
        ({"name": "ada"}, "no such filter: name"),
        ({"text": ""}, "at least one character"),
    ],
)
async def test_what_makes_no_sense_is_said_and_nothing_goes(
    stores: Stores, wanted: dict[str, Any], problem: str
) -> None:
    answer = await stores.ask(**wanted)
    assert list(answer) == ["error"]
    assert problem in answer["error"]
    assert await stores.left() == {0, 1, 2, 3}
    assert await stores.log() == []


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=5))
NAMES = ["user", "text", "tenant", "until", "since", "status", "nosuch"]


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=200, deadline=None
)
@given(op=st.sampled_from(sorted(OPERATIONS)), asked=VALUES | st.dictionaries(st.sampled_from(NAMES), VALUES))
async def test_no_message_breaks_it(stores: Stores, op: str, asked: object) -> None:
    answer = await forgetting(stores.traces, stores.metadata).answer({"op": op, "filter": asked})
    assert set(answer) in ({"error"}, {"count", "caught_up"})


async def test_a_search_in_encrypted_texts_is_refused_with_its_reason(stores: Stores) -> None:
    sealed = EncryptedTraces(stores.traces, TextCipher([bytes(32)]))
    answer = await forgetting(sealed, stores.metadata).answer({"op": "forget", "filter": {"text": SAID}})
    assert answer == {"error": "search in texts is off: they are encrypted (storage.encryption)"}
    assert await stores.log() == []
    answer = await forgetting(sealed, stores.metadata).answer({"op": "forget", "filter": {"user": "ada"}})
    assert answer["count"] == 3


class AwayMetadata(MemoryMetadata):
    """An audit log that can't be reached."""

    async def append_audit(self, record: AuditRecord) -> AuditEntry:
        raise StorageUnavailableError("the log is away")


class StubbornTraces(MemoryTraces):
    """A store that forgets nothing, and says what it was asked."""

    async def delete(self, scope: Scope, wanted: ExchangeFilter) -> int:
        raise StorageUnavailableError(f"the disk is away ({wanted.text})")


async def test_nothing_goes_that_can_not_be_put_on_record() -> None:
    stores = await Stores(metadata=AwayMetadata()).start()
    assert await stores.ask(user="ada") == {"error": "the log is away"}
    assert await stores.left() == {0, 1, 2, 3}


async def test_a_store_that_does_not_do_it_is_on_record_as_well() -> None:
    stores = await Stores(traces=StubbornTraces()).start()
    assert "the disk is away" in (await stores.ask(text=SAID))["error"]
    failed, asked = [entry.record for entry in await stores.log()]
    assert (asked.action, failed.action, failed.subject) == ("forget", "forget.failed", asked.subject)
    assert dict(failed.details) == {"error": "StorageUnavailableError"}


async def test_a_store_that_is_behind_is_told(stores: Stores) -> None:
    answer = await forgetting(stores.traces, stores.metadata, behind=True).answer(
        {"op": "forget", "filter": {"user": "ada"}}
    )
    assert answer == {"count": 3, "caught_up": False}


async def test_the_door_counts_and_forgets(control: Control) -> None:
    await control.traces.put([of("ada", 0)])
    for op in ("forget_count", "forget"):
        answer = await control.client.ask({"op": op, "filter": {"user": "ada"}})
        assert answer == {"count": 1, "caught_up": True}
    assert (await control.client.ask({"op": "forget_count", "filter": {"user": "ada"}}))["count"] == 0


@asynccontextmanager
async def pipeline_of(home: Path, traces: TraceRepository) -> AsyncIterator[Pipeline]:
    """A pipeline at work between the journal of a home and its store."""
    metrics, stopping = Metrics(), asyncio.Event()
    metrics.declare(METRICS)
    with JournalReader(home / "journal") as reader:
        pipeline = Pipeline(reader, traces, Plugins(), metrics, stored=lambda _: None, pace=Pace(idle_s=0.002))
        running = asyncio.create_task(pipeline.run(stopping))
        yield pipeline
        stopping.set()
        await running


def holding(folder: Path, text: str) -> set[str]:
    """The files below a folder that hold this text in their bytes."""
    return {path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()}


async def test_no_file_holds_a_text_that_is_forgotten(tmp_path: Path) -> None:
    """Said a moment ago, it waits in the journal; stored, it is in the database and its WAL; forgotten, nowhere."""
    traces, metadata = open_traces(f"sqlite:///{tmp_path}/midwatch.db"), MemoryMetadata()
    assert traces is not None
    await traces.start()
    await metadata.start()
    limits = JournalLimits(segment_age_s=0.05)
    with JournalWriter(tmp_path / "journal", "w0-1-1", limits=limits) as writer:
        for exchange in [of("bob", 0, answer="bob stays"), of("ada", 1, answer=SAID), of("ada", 2)]:
            assert writer.append(encode(exchange)).wait(60)
        assert holding(tmp_path, SAID) == {"000001.seg"}
        async with pipeline_of(tmp_path, traces) as pipeline:
            asked = Forgetting(
                queries=Queries(traces=traces), metadata=metadata, clock=SystemClock(), caught_up=pipeline.caught_up
            )
            counted = await asked.answer({"op": "forget_count", "filter": {"user": "ada"}})
            assert counted == {"count": 2, "caught_up": True}
            assert holding(tmp_path, SAID) & {"midwatch.db", "midwatch.db-wal"}
            assert (await asked.answer({"op": "forget", "filter": {"user": "ada"}}))["count"] == 2
            assert holding(tmp_path, SAID) <= {"000001.seg"}
            await until(lambda: not holding(tmp_path, SAID))
            assert holding(tmp_path, "bob stays") & {"midwatch.db", "midwatch.db-wal"}
    await traces.close()
    assert holding(tmp_path, SAID) == set()
    assert holding(tmp_path, "bob stays") == {"midwatch.db"}

"""Reloading: fresh settings reach the snapshot and the workers; bad ones are reported and the last good ones stay."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from midwatch.control.reloading import Reloader
from midwatch.home import Home
from midwatch.published_file import Published, write_published
from midwatch.settings import read_snapshot, resolve, restart_asked_for, write_snapshot
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError
from midwatch_core.hookspecs import hookimpl
from midwatch_core.host import Host, Role
from midwatch_core.metrics import Metrics
from midwatch_core.policy import Policy
from midwatch_core.ports import Scope
from midwatch_memory.metadata import MemoryMetadata
from tests.addons.control.certificates import ca_until

GOOD = "providers: [{name: acme, hosts: [llm.acme.example]}]\n"


class Table:
    """A plugin with a file of its own."""

    file: Path
    loaded = 0

    @hookimpl
    def watched(self) -> list[Path]:
        return [self.file]

    @hookimpl
    def reload(self) -> None:
        if self.file.exists() and self.file.read_text() == "bad":
            raise ConfigError(f"{self.file.name}: line 1: no table")
        type(self).loaded += 1


class House:
    def __init__(self, folder: Path, *, listen: str = "127.0.0.1:7", settings: str = GOOD) -> None:
        self.home = Home(folder / "home")
        self.home.prepare()
        self.file = self.home.config_file
        self.file.write_text(settings)
        Table.file, Table.loaded = folder / "table", 0
        self.settings = resolve(self.home, config_file=None, flags={"listen": listen})
        self.settings.plugins.add("table", lambda: Table)
        self.settings.plugins.activate({})
        write_snapshot(self.settings)
        self.metadata = MemoryMetadata(100)
        self.told: list[dict[str, object]] = []
        host = Host(role=Role.CONTROL, home=self.home.root, metrics=Metrics())
        self.reloader = Reloader(self.settings, host, self.metadata, self._tell)

    async def _tell(self, message: dict[str, object]) -> None:
        self.told.append(message)

    def snapshot(self) -> Any:
        return orjson.loads(self.home.snapshot.read_bytes())["config"]

    async def records(self) -> list[str]:
        return [str(item.record.details.get("problems", "")) for item in await self.metadata.audit(Scope(), limit=10)]


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("midwatch.control.reloading._LOOK_S", 0.01)
    made = House(tmp_path)
    await made.metadata.start()
    return made


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


async def test_fresh_settings_reach_snapshot_plugins_and_workers(house: House) -> None:
    house.file.write_text(GOOD.replace("acme", "other") + "retention_days: 3\n")
    await house.reloader.reload()
    assert (house.snapshot()["retention_days"], house.snapshot()["providers"][0]["name"]) == (3, "other")
    assert house.told == [{"op": "reload"}]
    assert Table.loaded == 1
    assert await house.records() == [""]
    assert read_snapshot(house.home).config.retention_days == 3


async def test_workers_are_to_go_by_the_snapshot_that_was_written_last(house: House) -> None:
    begun = read_snapshot(house.home)
    reloader = Reloader(begun, house.reloader._host, house.metadata, house._tell)
    assert reloader.stamp == begun.stamp > 0
    house.file.write_text("nosuch: 1\n")
    await reloader.reload()
    assert reloader.stamp == begun.stamp
    house.file.write_text("retention_days: 3\n")
    await reloader.reload()
    assert reloader.stamp == read_snapshot(house.home).stamp > begun.stamp


async def test_what_is_bound_stays_and_what_a_start_can_change_is_written_for_the_supervisor(house: House) -> None:
    before = house.snapshot()
    house.file.write_text("listen: 127.0.0.1:9\nworkers: 4\nconsole: 127.0.0.1:10\nmax_inspect_bytes: 5\n")
    done = await house.reloader.reload()
    after = house.snapshot()
    assert [after[key] for key in ("listen", "console")] == [before[key] for key in ("listen", "console")]
    assert (after["workers"], after["max_inspect_bytes"]) == (4, 5)
    assert (done.problems, done.stamp) == ((), orjson.loads(house.home.snapshot.read_bytes())["stamp"])


async def test_other_stores_are_looked_at_as_at_a_start(house: House, tmp_path: Path) -> None:
    house.file.write_text("storage: memory\n")
    assert (await house.reloader.reload()).problems == ()
    assert read_snapshot(house.home).config.storage.profile == "memory"
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    house.file.write_text(
        f"storage: {{profile: production, traces: '{empty}', metadata: '{empty}', cache: 'memory://'}}\n"
    )
    (problem,) = (await house.reloader.reload()).problems
    assert "run: midwatch migrate up" in problem
    assert read_snapshot(house.home).config.storage.profile == "memory"


async def test_a_restart_that_is_asked_for_is_another_until_the_next(house: House) -> None:
    asked = [restart_asked_for(house.home)]
    for restart in (False, True, False, True):
        await house.reloader.reload(restart=restart)
        asked.append(restart_asked_for(house.home))
    assert asked[:2] == ["", ""]
    assert asked[2] == asked[3]
    assert len(set(asked)) == 3
    house.file.write_text("nosuch: 1\n")
    assert (await house.reloader.reload(restart=True)).problems
    assert restart_asked_for(house.home) == asked[-1]
    house.file.write_text("")
    await house.reloader.reload()  # what was asked for with bad settings was not done, and is not done later
    assert restart_asked_for(house.home) == asked[-1]


async def test_the_bundle_of_upstream_cas_is_made_anew(house: House, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(ca_until(datetime(2040, 1, 1, tzinfo=UTC)))
    house.file.write_text(f"upstream_ca: {own}\n")
    assert (await house.reloader.reload()).problems == ()
    assert own.read_bytes().strip() in house.home.upstream_bundle.read_bytes()
    own.unlink()
    (problem,) = (await house.reloader.reload()).problems
    assert problem.startswith("upstream_ca: ")


async def test_a_reload_never_opens_a_relay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    house = House(tmp_path, listen="0.0.0.0:7", settings="identity: {required: true}\n")
    await house.metadata.start()
    house.file.write_text("identity: {required: false}\n")
    await house.reloader.reload()
    assert "anybody who reaches this address could use the proxy" in caplog.text
    assert read_snapshot(house.home).config.identity.required


@pytest.mark.parametrize(
    "bad",
    [
        "workers: 0\n",
        "a: [\n",
        "providers: [{name: x, routes: nosuch}]\n",
        "nosuch: 1\n",
        "identity: {client_ca: absent.pem}\n",
        "\xff",
    ],
)
async def test_bad_settings_are_reported_and_the_last_good_ones_stay(
    house: House, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = house.snapshot()
    house.file.write_bytes(bad.encode("latin-1"))
    with caplog.at_level(logging.ERROR):
        await house.reloader.reload()
    assert house.snapshot() == before
    assert "the last good one stays" in caplog.text
    assert (await house.records())[0]


async def test_a_plugin_that_refuses_its_file_is_named(house: House, caplog: pytest.LogCaptureFixture) -> None:
    Table.file.write_text("bad")
    await house.reloader.reload()
    assert "table.reload: table: line 1: no table" in caplog.text
    assert await house.records() == ["table.reload: table: line 1: no table"]


@pytest.mark.parametrize("whose", ["config", "plugin"])
async def test_a_changed_appearing_or_vanishing_file_reloads(house: House, whose: str) -> None:
    file = house.file if whose == "config" else Table.file
    watching = asyncio.create_task(house.reloader.watch())
    await asyncio.sleep(0.05)
    file.write_text("# nothing")
    await until(lambda: len(house.told) == 1)
    file.unlink()
    await until(lambda: len(house.told) == 2)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_policy_that_was_published_is_taken_though_the_settings_are_bad(house: House) -> None:
    taken: list[str] = []

    async def take(_: Config, policy: Policy) -> None:
        taken.append(policy.id)

    house.reloader = Reloader(
        house.settings,
        Host(role=Role.CONTROL, home=house.home.root, metrics=Metrics()),
        house.metadata,
        house._tell,
        reloaded=take,
    )
    house.file.write_text("nosuch: 1\n")
    text = "policy: {id: own}\nlines: []\n"
    write_published(house.home, Published(id="own", version=1, text=text, author="me", stamp="s"))
    await house.reloader.reload()
    assert (taken, house.told) == (["own"], [{"op": "reload"}])
    house.home.published_policy.write_bytes(b"?")
    await house.reloader.reload()
    assert taken == ["own", "own"]

"""Opening repositories by URL: profiles, the first plugin that knows the scheme, and errors that keep secrets."""

import logging
import socket
from pathlib import Path

import pytest

import midwatch_memory
import midwatch_redis
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins
from midwatch_core.ports import TraceRepository
from midwatch_core.storage import StorageProfile, open_metadata, open_storage, open_traces, storage_profile
from midwatch_core.storage_settings import StorageSettings
from midwatch_memory.traces import MemoryTraces

SECRET = "s3cr3t/of@mine"


class Refusing:
    """A plugin that knows its scheme and can't serve it."""

    @hookimpl
    def open_traces(self, url: str) -> TraceRepository | None:
        if url.startswith("strict://"):
            raise StorageError("strict://: a database name is missing")
        return None


class Broken:
    """A plugin whose driver is not installed."""

    @hookimpl
    def open_traces(self, url: str) -> TraceRepository | None:
        raise ModuleNotFoundError("No module named 'acmedb'")


class Telling:
    """A plugin that tells everybody the URL it was given."""

    @hookimpl
    def open_traces(self, url: str) -> TraceRepository | None:
        raise (StorageError if url.startswith("ours://") else ValueError)(f"can't reach {url} with {SECRET!r}")


def plugins(*targets: object) -> Plugins:
    found = Plugins()
    for target in targets:
        found.add(getattr(target, "__name__", "plugin"), lambda target=target: target)  # type: ignore[misc]
    found.activate({})
    return found


def profile(traces: str) -> StorageProfile:
    return StorageProfile(traces=traces, metadata="memory://", cache="memory://")


def of(home: Path, **settings: str) -> StorageProfile:
    return storage_profile(Config(storage=StorageSettings.model_validate(settings)), home)


def test_lite_is_sqlite_in_the_home_and_migrates_unasked(tmp_path: Path) -> None:
    lite = of(tmp_path)
    assert lite.traces == lite.metadata == f"sqlite:///{tmp_path}/midwatch.db"
    assert (lite.cache, lite.migrates) == ("memory://", True)


def test_memory_keeps_nothing(tmp_path: Path) -> None:
    memory = of(tmp_path, profile="memory")
    assert (memory.traces, memory.metadata, memory.cache) == ("memory://",) * 3


def test_any_mix_by_url(tmp_path: Path) -> None:
    mixed = of(tmp_path, traces="clickhouse://h/db", cache="valkey://h")
    assert (mixed.traces, mixed.cache) == ("clickhouse://h/db", "valkey://h")
    assert mixed.metadata == f"sqlite:///{tmp_path}/midwatch.db"


def test_production_takes_what_is_given_and_migrates_only_when_asked(tmp_path: Path) -> None:
    urls = {"traces": "clickhouse://h", "metadata": "postgresql://h/db", "cache": "valkey://h"}
    production = of(tmp_path, profile="production", **urls)
    assert not production.migrates
    assert {name: getattr(production, name) for name in urls} == urls


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "storage.traces, storage.metadata, storage.cache"),
        ({"traces": "clickhouse://h", "cache": "redis://h"}, "storage.metadata"),
        ({"traces": "clickhouse://h", "metadata": "", "cache": "redis://h"}, "storage.metadata"),
    ],
)
def test_production_names_the_urls_that_are_missing(tmp_path: Path, given: dict[str, str], missing: str) -> None:
    with pytest.raises(ConfigError, match=f"production needs {missing}; give"):
        of(tmp_path, profile="production", **given)


def test_secrets_are_filled_in_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_PASSWORD", SECRET)
    settings = StorageSettings(traces="acme://u:${ACME_PASSWORD}@h/db")
    opened = storage_profile(Config(storage=settings), tmp_path)
    assert opened.traces == "acme://u:s3cr3t%2Fof%40mine@h/db"
    assert "s3cr3t" not in repr(opened) + repr(settings) + settings.model_dump_json()


def test_a_missing_secret_names_setting_and_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"storage\.cache: the variable ABSENT_OF_ALL is not set"):
        of(tmp_path, cache="redis://:${ABSENT_OF_ALL}@h")


async def test_a_cache_that_is_away_keeps_nothing_from_starting(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, never listening: nobody else can answer there
        cache = f"redis://127.0.0.1:{nobody.getsockname()[1]}"
        storage = open_storage(
            plugins(midwatch_memory, midwatch_redis),
            StorageProfile(traces="memory://", metadata="memory://", cache=cache),
        )
        await storage.start()
        await storage.metadata.keep_setting("a", "b")
        await storage.close()
    assert "the cache is away" in caplog.text


async def test_the_plugin_that_knows_the_scheme_opens_it() -> None:
    found = plugins(Broken, Refusing, midwatch_memory)
    traces, metadata = open_traces(found, profile("memory://")), open_metadata(found, profile("memory://"))
    assert isinstance(traces, MemoryTraces)
    await metadata.start()
    await metadata.keep_setting("a", "b")
    assert await metadata.setting("a") == "b"
    await metadata.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("strict://", "storage.traces: strict://: a database name is missing"),
        (
            "nosuch://x",
            "no installed plugin opens nosuch:// URLs; Broken.open_traces failed: ModuleNotFoundError: No module",
        ),
    ],
)
def test_an_error_says_what_is_wrong(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("(", r"\(")):
        open_storage(plugins(midwatch_memory, Broken, Refusing), profile(url))


@pytest.mark.parametrize(
    ("scheme", "extra"),
    [
        ("clickhouse", "clickhouse"),
        ("clickhouses", "clickhouse"),
        ("postgresql", "postgres"),
        ("postgresql+asyncpg", "postgres"),
        ("valkey", "redis"),
        ("rediss", "redis"),
    ],
)
def test_a_scheme_that_an_extra_brings_names_it(scheme: str, extra: str) -> None:
    with pytest.raises(ConfigError, match=rf"opens {scheme}:// URLs; install midwatch\[{extra}\]".replace("+", r"\+")):
        open_traces(plugins(midwatch_memory), profile(f"{scheme}://h"))


@pytest.mark.parametrize("scheme", ["ours", "theirs"])
def test_what_a_plugin_tells_of_a_url_is_told_without_its_password(
    scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = plugins(Telling)
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError) as caught:
        open_traces(found, profile(f"{scheme}://me:s3cr3t%2Fof%40mine@h/db"))
    heard = f"{caught.value} {caplog.text} {[record.last_error for record in found.guard.records.values()]}"
    assert f"{scheme}://me:***@h/db with '***'" in heard
    assert "s3cr3t" not in heard

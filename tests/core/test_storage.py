"""Opening repositories by URL: the first plugin that knows the scheme, and an error that says what is missing."""

from pathlib import Path

import pytest

import midwatch_memory
from midwatch_core.config import Config, StorageUrls
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins
from midwatch_core.ports import TraceRepository
from midwatch_core.storage import open_storage, storage_urls
from midwatch_memory.traces import MemoryTraces


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


def plugins(*targets: object) -> Plugins:
    found = Plugins()
    for target in targets:
        found.add(getattr(target, "__name__", "plugin"), lambda target=target: target)  # type: ignore[misc]
    found.activate({})
    return found


def test_profiles_and_urls(tmp_path: Path) -> None:
    lite = storage_urls(Config(), tmp_path)
    assert lite.traces == lite.metadata == f"sqlite:///{tmp_path}/midwatch.db"
    assert storage_urls(Config(storage="memory"), tmp_path).traces == "memory://"
    own = StorageUrls(traces="a://", metadata="b://")
    assert storage_urls(Config(storage=own), tmp_path) is own


async def test_the_plugin_that_knows_the_scheme_opens_it() -> None:
    urls = StorageUrls(traces="memory://", metadata="memory://")
    storage = open_storage(plugins(Broken, Refusing, midwatch_memory), urls)
    assert isinstance(storage.traces, MemoryTraces)
    await storage.start()
    await storage.metadata.keep_setting("a", "b")
    assert await storage.metadata.setting("a") == "b"
    await storage.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("strict://", "storage.traces: strict://: a database name is missing"),
        ("nosuch://x", "no installed plugin opens nosuch:// URLs; Broken.open_traces failed: No module named 'acmedb'"),
    ],
)
def test_an_error_says_what_is_wrong(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("(", r"\(")):
        open_storage(plugins(midwatch_memory, Broken, Refusing), StorageUrls(traces=url, metadata="memory://"))

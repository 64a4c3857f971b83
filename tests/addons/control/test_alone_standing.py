"""A console alone is ready while its stores answer, and says no more of one that does not than that."""

from pathlib import Path

from midwatch.control.alone.standing import AloneStanding
from midwatch.control.numbers import declared
from midwatch_core.storage import Storage
from midwatch_memory.cache import MemoryCache
from midwatch_memory.metadata import MemoryMetadata
from midwatch_memory.traces import MemoryTraces
from tests.plugins.web.installed import settings_in


async def test_it_is_ready_while_both_stores_answer(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "home")
    storage = Storage(traces=MemoryTraces(), metadata=MemoryMetadata(), cache=MemoryCache())
    standing = AloneStanding(
        settings=settings, metrics=declared(settings.plugins), storage=storage, pool=None, started=True
    )
    assert not standing.health().ready
    await storage.start()
    await standing.look()
    assert (standing.health().ready, standing.status()["store"]) == (True, "available")
    await storage.traces.close()
    await standing.look()
    health = standing.health()
    assert (health.ready, health.parts["store"]) == (False, "unavailable")
    assert "memory://" in standing.trouble
    await storage.close()

"""A home whose store has a few exchanges, and nothing of the caller's environment."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from midwatch.home import Home
from midwatch.settings import resolve
from midwatch_core.model.exchange import Exchange
from midwatch_core.storage import open_storage, storage_profile
from midwatch_core.testing.factories import make_exchange


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("MIDWATCH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MIDWATCH_HOME", str(tmp_path / "home"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture
def kept(home: Home) -> Sequence[Exchange]:
    """Three exchanges in the home's store: oldest first."""
    exchanges = [
        make_exchange(model="gpt-5-mini"),
        make_exchange(model="gpt-5", status=429),
        make_exchange(model="gpt-5-mini", answer="Lisbon \x1b[31mred"),
    ]

    put(home, exchanges)
    return exchanges


def put(home: Home, exchanges: Sequence[Exchange]) -> None:
    """Keep exchanges in a home's store."""

    async def keep() -> None:
        settings = resolve(home, config_file=None, flags={})
        storage = open_storage(settings.plugins, storage_profile(settings.config, home.root))
        await storage.start()
        await storage.traces.put(exchanges)
        await storage.close()

    asyncio.run(keep())

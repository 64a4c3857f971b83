"""What tests of `tenants`, `keys` and `audit` share: one command's rows, and a control that lives in the home."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.home import Home
from tests.addons.control.conftest import Control


def rows(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    """The rows that a command prints."""
    assert main([*words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def rows_of_control(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    """The same while this loop serves control."""
    return await asyncio.to_thread(rows, capsys, *words)


@asynccontextmanager
async def living_control(home: Home) -> AsyncIterator[Control]:
    """A control behind the home's socket, whose store is its own memory: the home's store stays as it is."""
    control = Control(home.control_socket)
    await control.traces.start()
    await control.metadata.start()
    await control.door.start(control.path)
    yield control
    await control.door.close()

"""Starting: all that can be wrong is found before a process starts; a start that goes well ends with 0."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.settings import read_snapshot
from midwatch.starting import Ready, prepare, run
from midwatch.supervisor import address_of
from midwatch_core.errors import ConfigError

FREE = {"listen": "127.0.0.1:0", "console": "127.0.0.1:0"}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("MIDWATCH_"):
            monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def close(ready: Ready) -> None:
    for sock in (*ready.sockets.proxy, ready.sockets.console):
        sock.close()


def test_what_is_ready_says_where_it_listens(home: Home) -> None:
    ready = prepare(home, config_file=None, flags=FREE)
    try:
        config = read_snapshot(home).config
        assert config.listen == ready.settings.config.listen == address_of(ready.sockets.proxy[0])
        assert not config.console.endswith(":0")
        assert home.ca_certificate.exists()
    finally:
        close(ready)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"mode": ["nosuch"]}, "--mode nosuch: "),
        ({"mode": ["reverse:nosuch://x"]}, "--mode reverse:nosuch://x: "),
        ({"providers": [{"name": "x", "routes": "nosuch"}]}, "provider 'x': no route set 'nosuch'"),
        ({"storage": {"traces": "nosuch://", "metadata": "memory://"}}, "storage.traces: no installed plugin opens"),
        ({"upstream_ca": "/absent.pem"}, "upstream_ca: /absent.pem: "),
        ({"nosuch": 1}, "nosuch: no such setting"),
    ],
)
def test_what_is_wrong_is_found_before_anything_starts(home: Home, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        prepare(home, config_file=None, flags={**FREE, **settings})
    assert not home.snapshot.exists()


def test_a_port_that_is_taken_leaves_no_snapshot(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = address_of(taken)
        with pytest.raises(ConfigError, match="--listen"):
            prepare(home, config_file=None, flags={**FREE, "listen": address})
    assert not home.snapshot.exists()


async def _status(home: Home) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            try:
                status: dict[str, Any] = await LineClient(home.control_socket).ask({"op": "status"})
            except ControlAbsentError:
                status = {"ready": False}
            if status["ready"]:
                return status
            await asyncio.sleep(0.05)


async def test_it_runs_until_sigterm_and_ends_with_0(home: Home) -> None:
    ready = prepare(home, config_file=None, flags={**FREE, "drain_s": 5})
    running = asyncio.create_task(run(ready))
    status = await _status(home)
    assert (status["listen"], status["workers"]) == (ready.settings.config.listen, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        assert await running == 0
    close(ready)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().remove_signal_handler(number)

"""Starting: all that can be wrong is found before a process starts; a start that goes well ends with 0."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from midwatch.cli import main
from midwatch.crew.bound_sockets import address_of
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.settings import read_snapshot
from midwatch.starting import Ready, prepare, run
from midwatch_core.config import split_address
from midwatch_core.errors import ConfigError

RUN = Path(__file__).parents[2] / "run.py"
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
        ({"storage": {"cache": "nosuch://"}}, "storage.cache: no installed plugin opens"),
        ({"storage": "production"}, "production needs storage.traces, storage.metadata, storage.cache"),
        ({"listen": "0.0.0.0:0"}, "--listen 0.0.0.0:0: anybody who reaches this address"),
        ({"mode": ["socks5@0.0.0.0:0"]}, "--mode socks5@0.0.0.0:0: SOCKS clients"),
        ({"workers": 2, "budgets": [{"id": "b", "usd": 1}]}, "storage.cache: the hard budget 'b'"),
        ({"access": {"admin_key": "${ABSENT_OF_ALL}"}}, "access.admin_key: the variable ABSENT_OF_ALL is not set"),
        ({"upstream_ca": "/absent.pem"}, "upstream_ca: /absent.pem: "),
        ({"nosuch": 1}, "nosuch: no such setting"),
    ],
)
def test_what_is_wrong_is_found_before_anything_starts(home: Home, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        prepare(home, config_file=None, flags={**FREE, **settings})
    assert not home.snapshot.exists()


def test_what_is_refused_is_exit_code_2_and_never_listens(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = address_of(taken)
    own = f"sqlite:///{home.root / 'own.db'}"
    home.prepare()
    home.config_file.write_text(
        f"listen: {free}\nstorage: {{profile: production, traces: '{own}', metadata: '{own}', cache: 'memory://'}}\n"
    )
    assert main(["start", "--home", str(home.root), "--console", "127.0.0.1:0"]) == 2
    assert "run: midwatch migrate up" in capsys.readouterr().err
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(split_address(free))


def test_a_secret_is_in_no_file_of_the_home(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIDWATCH_ACCESS__ADMIN_KEY", "pLanted-of-all")
    monkeypatch.setenv("MIDWATCH_STORAGE__METADATA", f"sqlite:///{tmp_path}/x.db?password=pLanted-of-all")
    with pytest.raises(ConfigError) as caught:
        prepare(home, config_file=None, flags=FREE)
    monkeypatch.delenv("MIDWATCH_STORAGE__METADATA")
    ready = prepare(home, config_file=None, flags=FREE)
    try:
        assert "pLanted" not in f"{caught.value} {ready.settings!r} {read_snapshot(home)!r}"
        assert read_snapshot(home).config.access.admin_key == "${MIDWATCH_ACCESS__ADMIN_KEY}"
        files = [path for path in home.root.rglob("*") if path.is_file()]
        assert home.snapshot in files
        assert not [path for path in files if b"pLanted" in path.read_bytes()]
    finally:
        close(ready)


def test_a_store_that_is_away_is_told_of_without_its_password(home: Home, tmp_path: Path) -> None:
    url = "postgresql://me:pLanted-of-all@127.0.0.1:9/db"
    environ = {**os.environ, "MIDWATCH_STORAGE__METADATA": url, "MIDWATCH_LOG_LEVEL": "DEBUG"}
    words = ["start", "--home", str(home.root), "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        started = subprocess.Popen([sys.executable, RUN, *words], env=environ, stdout=output, stderr=output)
    try:
        while b"be reached" not in log.read_bytes() and started.poll() is None:
            time.sleep(0.05)
    finally:
        started.terminate()
        started.wait(60)
    assert b"be reached" in log.read_bytes()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {log, home.snapshot} <= set(written)
    assert not [path for path in written if b"pLanted" in path.read_bytes()]


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


_HANGS_UP = """
import os, signal, sys
from midwatch.hangup import hold_reloads
hold_reloads()  # as the front door does at once
os.kill(os.getpid(), signal.SIGHUP)
from midwatch.cli import main
sys.exit(main())
"""


def test_a_reload_before_it_runs_waits_for_it(home: Home) -> None:
    """In a process of its own: one with threads, as this is, can't hold a signal for all of them."""
    words = ["start", "--home", str(home.root), "--listen", FREE["listen"], "--console", FREE["console"]]
    stamps: set[int] = set()
    with subprocess.Popen([sys.executable, "-c", _HANGS_UP, *words]) as process:
        ends_s = time.monotonic() + 60
        while len(stamps) < 2 and process.poll() is None and time.monotonic() < ends_s:
            stamps |= _stamp(home)
            time.sleep(0.02)
        process.terminate()
        assert (len(stamps), process.wait(60)) == (2, 0)


def _stamp(home: Home) -> set[int]:
    """Of the snapshot, once there is one: each reload writes another."""
    return {int(orjson.loads(home.snapshot.read_bytes())["stamp"])} if home.snapshot.exists() else set()

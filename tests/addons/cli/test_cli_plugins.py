"""`plugins`: what is listed with and without a running house, and a new project that works at once."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch.plugin_report import METRICS
from midwatch.plugin_rows import plugin_rows
from midwatch_core import Json, Metrics, hookimpl
from midwatch_core.hosting import Plugins
from midwatch_core.plugin_metrics import CALLS, DISABLED, ERRORS, FAILING, SECONDS

ROOT = Path(__file__).resolve().parents[3]
KEYS = [
    "name",
    "version",
    "hooks",
    "state",
    "runs_in",
    "calls",
    "mean_ms",
    "errors",
    "last_error",
    "error",
    "health",
]


class Detector:
    @hookimpl
    def startup(self) -> None: ...

    @hookimpl
    def inspect_text(self) -> None: ...


def plugins() -> Plugins:
    made = Plugins()

    def load() -> object:
        raise ImportError("no torch")

    made.add("third", lambda: Detector, version="1.0")
    made.add("rules", lambda: Detector, version="2.0")
    made.add("absent", load)
    made.activate({})
    return made


def samples(values: Mapping[tuple[str, ...], float]) -> Metrics:
    metrics = Metrics()
    metrics.declare(METRICS)
    for (name, *labels), value in values.items():
        metrics.set(name, value, labels)
    return metrics


def test_rows_say_where_each_runs_how_quick_it_is_and_what_is_wrong() -> None:
    metrics = samples(
        {
            (CALLS, "third", "inspect_text"): 4,
            (SECONDS, "third", "inspect_text"): 0.01,
            (CALLS, "third", "startup"): 1,
            (SECONDS, "third", "startup"): 100,
            (ERRORS, "third", "inspect_text"): 2,
            (ERRORS, "third", "startup"): 1,
            (FAILING, "third"): 1,
        }
    )
    health: Json = {"third": {"ready": True}}
    third, rules, absent = plugin_rows(
        plugins(), ["rules"], metrics.samples(), {"third": "ValueError: no"}, health=health
    )
    assert third == {
        "name": "third",
        "version": "1.0",
        "hooks": ["inspect_text", "startup"],
        "state": "failing",
        "runs_in": "scan pool",
        "calls": 4,
        "mean_ms": 2.5,
        "errors": 3,
        "last_error": "ValueError: no",
        "error": None,
        "health": {"ready": True},
    }
    assert rules["health"] is None
    assert (rules["runs_in"], rules["state"], rules["calls"], rules["mean_ms"]) == ("process", "ok", 0, None)
    assert (absent["state"], absent["error"], absent["hooks"]) == ("not loaded", "ImportError: no torch", [])


def test_what_is_disabled_in_one_process_is_disabled() -> None:
    metrics = samples({(FAILING, "third"): 2, (DISABLED, "third"): 1})
    assert plugin_rows(plugins(), [], metrics.samples())[0]["state"] == "disabled"


@pytest.mark.parametrize("words", [["plugins"], ["plugins", "list"]])
def test_without_a_house_it_is_what_this_process_finds(
    words: list[str], home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.config_file.write_text("plugins: {allow: [pricing, secrets]}\n")
    assert main([*words, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(row) for row in rows] == [KEYS, KEYS]
    assert [(row["name"], row["state"]) for row in rows] == [("pricing", "ok"), ("secrets", "ok")]
    assert main(words) == 0
    assert "secrets" in capsys.readouterr().out


def test_a_running_house_is_asked(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    row: dict[str, Any] = dict.fromkeys(KEYS) | {
        "name": "acme",
        "version": "1",
        "hooks": ["mask"],
        "runs_in": "process",
    }
    row |= {"state": "disabled", "calls": 7, "mean_ms": 1.5, "errors": 3, "last_error": "no\x1b[31m answer"}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert json.loads(await reader.readline()) == {"op": "status"}
        writer.write(json.dumps({"plugins": [row]}).encode() + b"\n")
        writer.close()

    async def ask() -> int:
        async with await asyncio.start_unix_server(answer, home.control_socket):
            return await asyncio.to_thread(main, ["plugins"])

    assert asyncio.run(ask()) == 1
    out = capsys.readouterr().out
    assert "acme" in out
    assert "1.50 ms" in out
    assert "no\N{REPLACEMENT CHARACTER}[31m answer" in out


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Acme", "lower-case letters"),
        ("a b", "lower-case letters"),
        ("../up", "lower-case letters"),
        ("a--b", "lower-case letters"),
        ("words\n", "lower-case letters"),
        ("x" * 41, "lower-case letters"),
        ("midwatch-words", "leave out midwatch-"),
        ("storage", "the name of a setting"),
        ("class", "the name of a setting"),
        ("secrets", "a plugin of that name is installed"),
        ("core", "a plugin of that name is installed"),
    ],
)
def test_a_name_that_cannot_be_is_refused(
    name: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins", "new", name, "--dir", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "acme-words").mkdir()
    assert main(["plugins", "new", "acme-words", "--dir", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["plugins", "new", "acme-words", "--dir", str(tmp_path / "file")]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert main(["plugins", "new", "acme-words", "--dir", str(tmp_path / "deep")]) == 0
    return tmp_path / "deep" / "acme-words"


def run(*command: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **environ}, timeout=60
    )


def test_a_new_project_is_small_and_complete(project: Path) -> None:
    files = {str(path.relative_to(project)): path.read_text() for path in project.rglob("*") if path.is_file()}
    assert sorted(files) == [
        "README.md",
        "midwatch_acme_words/__init__.py",
        "midwatch_acme_words/acme-words.rules.yaml",
        "pyproject.toml",
        "tests/test_midwatch_acme_words.py",
    ]
    assert not [name for name, text in files.items() if "@" in text.replace("@hookimpl", "").replace("@pytest", "")]
    assert len(files["midwatch_acme_words/__init__.py"].splitlines()) <= 30


def test_a_new_project_passes_its_tests_at_once(project: Path) -> None:
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


def test_its_wheel_is_found_listed_and_asked(project: Path, tmp_path: Path) -> None:
    if shutil.which("uv") is None:
        pytest.skip("uv is not on the PATH: install it to build the wheel")
    site = tmp_path / "site"
    built = run("uv", "build", "--quiet", "--offline", "--wheel", "--out-dir", str(tmp_path), str(project), cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(wheel, site, "zip")
    command = (sys.executable, str(ROOT / "run.py"))
    listed = run(*command, "plugins", "--json", cwd=tmp_path, PYTHONPATH=str(site))
    rows = {row["name"]: row for row in map(json.loads, listed.stdout.splitlines())}
    assert (rows["acme-words"]["state"], rows["acme-words"]["runs_in"]) == ("ok", "scan pool")
    scanned = run(*command, "scan", "--json", "Project Nightjar is NIGHTJAR-3", cwd=tmp_path, PYTHONPATH=str(site))
    found = {(item["rule"], item["plugin"]) for item in json.loads(scanned.stdout)["findings"]}
    assert found == {("acme-words/ticket", "acme-words"), ("acme-words/unreleased-product", "rules")}

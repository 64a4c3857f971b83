"""The command line's frame: exit codes, usage errors, the default command, plugins' commands, a reader that leaves."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch_core.model.exchange import Exchange

RUN = Path(__file__).resolve().parents[3] / "run.py"
PLUGIN = """
from midwatch_core.hookspecs import hookimpl
from midwatch_core import Command

def run(words):
    print("hello", *words)
    return 1

@hookimpl
def commands():
    return [Command(name="greet", help="Say hello", run=run)]
"""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nosuch"], "No such command"),
        (["--nosuch"], "No such option"),
        (["traces", "--nosuch"], "No such option"),
        (["traces", "show"], "Missing argument"),
        (["traces", "--limit", "0"], "Invalid value"),
        (["traces", "--status", "ok"], "Invalid value"),
        (["start", "--listen", "nowhere"], "--listen: listen: an address is HOST:PORT"),
        (["start", "--workers", "0"], "--workers: workers: "),
        (["start", "--mode", "nosuch"], "--mode nosuch: "),
        (["start", "--config", "absent.yaml"], "absent.yaml: No such file"),
        (["costs", "--by", "colour"], "--by colour: expected some of day, hour"),
        (["costs", "--since", "once"], "--since once: expected a moment"),
    ],
)
def test_wrong_use_is_said_and_2(words: list[str], says: str, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert says in error
    assert "Traceback" not in error


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"], ["traces", "--help"], ["start", "--help"]])
def test_help_and_version_are_fine(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "Usage" in out or "midwatch " in out


def test_options_alone_are_those_of_start(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workers", "0", "--home", str(home.root)]) == 2
    assert "--workers" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["start", "--home", str(tmp_path / "file" / "home")]) == 2
    assert "choose a folder that can be written" in capsys.readouterr().err


def test_a_command_of_a_plugin_runs_with_its_words(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "greeting-1.0.dist-info").mkdir(parents=True)
    (site / "greeting.py").write_text(PLUGIN)
    (site / "greeting-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (site / "greeting-1.0.dist-info" / "entry_points.txt").write_text("[midwatch]\ngreeting = greeting\n")
    done = subprocess.run(
        [sys.executable, str(RUN), "greet", "the", "--watch"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(site), "MIDWATCH_HOME": str(tmp_path / "home")},
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "hello the --watch\n"), done.stderr


@pytest.mark.parametrize("words", [["traces", "--json"], ["traces"], ["costs"], ["traces", "show", "{id}"]])
def test_a_reader_that_leaves_is_no_error(words: list[str], home: Home, kept: Sequence[Exchange]) -> None:
    line = [word.format(id=kept[0].id) for word in words]
    process = subprocess.Popen(
        [sys.executable, str(RUN), *line, "--home", str(home.root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"MIDWATCH_HOME": str(home.root)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()

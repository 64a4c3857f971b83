"""The page about the CA: its commands do what it says of them, its settings hold, its tables are those of the code."""

import re
import shlex
from pathlib import Path

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch.trust.keeping import kept
from midwatch.trust.runtimes import runtimes
from midwatch.trust.steps import Files
from midwatch_core.config import load_config
from tests.addons.trust.pki import signer

_PAGE = (Path(__file__).parents[2] / "docs" / "ca.md").read_text()
_COMMANDS = [re.split(r" {3,}", line)[0] for line in re.findall(r"^    uv run run\.py (ca.*)$", _PAGE, re.MULTILINE)]


def test_the_commands_are_done_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIDWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    root = signer("root")
    own = signer("proxies", root)
    for name, pem in (("proxies.key", own.key_pem), ("proxies.pem", own.pem), ("root.pem", root.pem)):
        (tmp_path / name).write_bytes(pem)
    assert len(_COMMANDS) == 9
    for command in _COMMANDS:
        assert main(shlex.split(command)) == 0, command
    assert "PRIVATE" not in capsys.readouterr().out
    found = kept(Home(tmp_path / "home"))
    assert (found.active.certificate, found.old) == (own.certificate, ())
    assert found.next is not None


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    file = tmp_path / "config.yaml"
    file.write_text(example)
    assert [path.name for path in load_config(file=file, flags={}, environ={}).tls.ca] == [
        "tls.crt",
        "tls.key",
        "ca.crt",
    ]


def test_each_variable_is_on_the_page() -> None:
    files = Files(certificate=Path("ca.pem"), bundle=Path("all.pem"), anchors=())
    names = {name for way in runtimes(files) for name in way.variables}
    assert names == set(re.findall(r"`([A-Z_]{6,})`", _PAGE))

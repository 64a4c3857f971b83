"""The page about access: its settings are a configuration that holds, its commands do what it says of them."""

import json
import re
import shlex
from pathlib import Path

import pytest

from midwatch.cli import main
from midwatch_core.access.keys import id_of
from midwatch_core.config import load_config
from midwatch_core.model.apikey import AccessRole

_PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text()
_KEY = "mw_k3f9x2ab"


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL))
def test_each_example_is_a_configuration(example: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(example)
    config = load_config(file=file, flags={}, environ={"ADMIN_KEY": "x"})
    assert config.identity.required is ("required: true" in example)
    assert set(config.tenants) == ({"acme", "build"} if "acme" in example else set())


def test_the_commands_are_ours_and_are_done_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIDWATCH_HOME", str(tmp_path / "home"))
    block = _PAGE[: _PAGE.index("Commands work on")]
    commands = [re.split(r" {3,}", line)[0] for line in re.findall(r"^    uv run run\.py (.+)$", block, re.MULTILINE)]
    assert len(commands) == 6
    latest = ""
    for command in commands:
        assert main(shlex.split(command.replace(_KEY, latest))) == 0, command
        printed = capsys.readouterr().out.strip()
        latest = id_of(printed) or latest
    main(["keys", "list", "--json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["tenant"], row["label"], row["state"]) for row in rows] == [
        ("acme", "nightly", "valid"),
        ("acme", "nightly", "revoked"),
    ]


def test_the_table_has_every_role() -> None:
    assert re.findall(r"^\| (\w+) \| yes", _PAGE, re.MULTILINE) == ["client", "viewer", "operator", "admin"]
    assert {role.value for role in AccessRole} == {"client", "viewer", "operator", "admin"}

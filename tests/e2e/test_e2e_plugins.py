"""Third parties' plugins in a running house: used while they work, contained and named when they break."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

RUN = Path(__file__).resolve().parents[2] / "run.py"
CHAT = "/v1/chat/completions"
BREAKS = """
import time
from midwatch_core import hookimpl

@hookimpl
def inspect_text(text):
    while "dragons" in text.original:
        pass
"""


def plugins_of(house: Any) -> dict[str, dict[str, Any]]:
    done = house.run("plugins", "--json")
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


def _row(status: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = [row for row in status["plugins"] if row["name"] == name]
    return dict(row)


def say(house: Any, text: str, way: Any) -> int:
    port = yaml.safe_load(house.config_file.read_text())["providers"][-1]["hosts"][-1].rpartition(":")[2]
    body = {"model": "night-1", "messages": [{"role": "user", "content": text}]}
    with house.client() as web:
        return int(web.post(f"https://localhost:{port}{CHAT}", json=body, headers=way.header).status_code)


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin as `plugins new` writes it, and one that breaks, where every process finds them."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(RUN), "plugins", "new", "acme-words", "--dir", str(folder)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    project = folder / "acme-words"
    for name, module in (("acme-words", "midwatch_acme_words"), ("breaks", "breaks")):
        info = project / f"{module}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: midwatch-{name}\nVersion: 0.1.0\n")
        (info / "entry_points.txt").write_text(f"[midwatch]\n{name} = {module}\n")
    (project / "breaks.py").write_text(BREAKS)
    return project


@pytest.mark.parametrize("policy", ["observe", "balanced"])
def test_a_plugin_finds_and_one_that_hangs_harms_no_call_and_is_disabled(
    make_house: Any, trail: Any, waiting: Any, site: Path, policy: str
) -> None:
    house = make_house(environ={"PYTHONPATH": str(site)}, policy=policy, plugins={"deadline_s": 2.0})
    way = trail()
    assert say(house, "See NIGHTJAR-7 of project Nightjar", way) == 200
    found = {(item["rule"], item["plugin"]) for item in house.whole(way.id)["findings"]}
    assert {("acme-words/ticket", "acme-words"), ("acme-words/unreleased-product", "rules")} <= found

    for number in range(3):
        way = trail()
        assert say(house, f"Here be {number} dragons, and NIGHTJAR-{number}", way) == 200
        assert "acme-words/ticket" in house.row(way.id)["findings"]
    waiting(lambda: "plugin breaks is disabled" in house.log, "the plugin to be disabled")
    waiting(lambda: _row(house.ask({"op": "status"}), "breaks")["state"] == "disabled", "control to hear of it")

    rows = plugins_of(house)
    assert rows["breaks"]["errors"] >= 3
    assert "no answer within 2 s" in rows["breaks"]["last_error"]
    assert (rows["acme-words"]["state"], rows["acme-words"]["runs_in"], rows["acme-words"]["errors"]) == (
        "ok",
        "scan pool",
        0,
    )
    assert rows["acme-words"]["calls"] >= 4
    assert rows["acme-words"]["mean_ms"] > 0
    assert house.run("plugins").returncode == 1

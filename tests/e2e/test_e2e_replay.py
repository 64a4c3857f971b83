"""There and back: all dialects through a house, exported, replayed into an empty home: nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from midwatch.demo.mcp_server import HOST as TOOLS_HOST
from midwatch.demo.mcp_server import serving, tool_server
from tests.addons.replay.conftest import ASKED_S, call, save_flows

DIALECTS = {
    "anthropic.messages",
    "bedrock.converse",
    "cohere.chat",
    "gemini.generate_content",
    "mcp",
    "ollama.chat",
    "openai.chat",
    "openai.embeddings",
    "openai.realtime",
    "openai.responses",
}


@pytest.fixture(scope="module")
def talked(house_in: Any, world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A house through which the demo's application made its calls, in every dialect there is a client for."""
    folder = tmp_path_factory.mktemp("talked")
    with serving(tool_server()) as port:
        plain = {TOOLS_HOST: f"127.0.0.1:{port}", "ollama.demo": f"127.0.0.1:{world.providers.http_port}"}
        with house_in(folder, settings={"connect_to": world.config()["connect_to"] | plain}) as house:
            made = subprocess.run(
                [sys.executable, "-m", "midwatch.demo.calls"],
                env=house.environment(),
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert made.returncode == 0, made.stderr
            yield house


def midwatch(front_door: tuple[str, ...], environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*front_door, *words], env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_exports_replayed_into_an_empty_home_list_the_same_calls_once(
    talked: Any, front_door: tuple[str, ...], bare_environment: dict[str, str], tmp_path: Path
) -> None:
    before = talked.traces()
    assert {row["dialect"] for row in before} >= DIALECTS
    files = []
    for form in ("har", "jsonl"):
        files.append(str(tmp_path / form))
        exported = talked.run("traces", "export", f"--{form}", "-o", files[-1])
        assert exported.returncode == 0, exported.stderr
    empty = ("--home", str(tmp_path / "empty"))
    replayed = midwatch(front_door, bare_environment, "replay", *empty, "--json", *files)
    assert replayed.returncode == 0, replayed.stderr
    for tally in map(json.loads, replayed.stdout.splitlines()):
        assert (tally["calls"], tally["others"], tally["broken"]) == (len(before), 0, 0)
    listed = midwatch(front_door, bare_environment, "traces", *empty, "--json")
    assert [json.loads(line) for line in listed.stdout.splitlines()] == before


def test_what_mitmproxy_saved_goes_into_a_house_that_runs(talked: Any, tmp_path: Path) -> None:
    file = save_flows(tmp_path / "flows", [call(), call("https://shop.example/cart")])
    for _ in range(2):
        done = talked.run("replay", str(file), "--app", "recorded")
        assert done.returncode == 0, done.stderr
        assert "1 calls (openai.chat 1), 1 other entries, 0 broken" in done.stdout
    (row,) = talked.rows(app="recorded")
    assert row["started_at"] == datetime.fromtimestamp(ASKED_S, UTC).isoformat()
    assert (row["input_tokens"], row["output_tokens"], row["turn"]) == (9, 3, "first")
    assert row["cost_usd"] > 0

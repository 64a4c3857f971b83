"""The coding agents that people use, as npm has them: run by `exec` against simulated providers, and read in full.

See docs/agents.md for what each of them sends. They are no dependency of ours: without them the tests skip.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

# A node program that starts on a machine with much else to do.
_DEADLINE_S = 240.0
# Settings of whoever runs the tests: an account of theirs, another address.
_THEIRS = ("ANTHROPIC_", "CLAUDE", "CODEX_", "GEMINI_", "GOOGLE_", "OPENAI_")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One command line client: how it is told to ask, to go on with what it asked last, and what its calls look like.

    `tool` is how the simulated provider is asked for a command to be run, with `{command}` in it.
    """

    name: str
    package: str
    first: tuple[str, ...]
    again: tuple[str, ...]
    tool: str
    tool_name: str
    settings: Mapping[str, str]
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    app: str
    provider: str
    transports: frozenset[str]
    linked_by: frozenset[str]

    @property
    def variable(self) -> str:
        """Names the binary where it is not on PATH."""
        return f"MIDWATCH_{self.name.upper()}"

    @property
    def binary(self) -> str | None:
        """Where it is, if it is anywhere."""
        return os.environ.get(self.variable) or shutil.which(self.name)


CODEX = Agent(
    name="codex",
    package="@openai/codex@0.169.0",
    first=("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
    again=("exec", "resume", "--last", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
    tool="use the tool exec with \"text((await tools.exec_command({{cmd: '{command}'}})).output)\"",
    tool_name="exec",
    settings={"CODEX_API_KEY": "sk-e2e"},
    files={".codex/config.toml": "[analytics]\nenabled = false\n\n[features]\nplugins = false\n"},
    app="codex_exec",
    provider="openai",
    transports=frozenset({"websocket"}),
    linked_by=frozenset({"session"}),
)
CLAUDE = Agent(
    name="claude",
    package="@anthropic-ai/claude-code@2.1.332",
    first=("--allowedTools", "Bash", "-p"),
    again=("--allowedTools", "Bash", "--continue", "-p"),
    tool='use the tool Bash with {{"command": "{command}", "description": "Shows it"}}',
    tool_name="Bash",
    settings={"ANTHROPIC_API_KEY": "sk-ant-e2e", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
    app="claude-cli",
    provider="anthropic",
    transports=frozenset({"sse"}),
    linked_by=frozenset({"session"}),
)
GEMINI = Agent(
    name="gemini",
    package="@google/gemini-cli@0.61.0",
    first=("--yolo", "-p"),
    again=("--yolo", "--resume", "latest", "-p"),
    tool='use the tool run_shell_command with {{"command": "{command}", "description": "Shows it"}}',
    tool_name="run_shell_command",
    settings={"GEMINI_API_KEY": "AIza-e2e", "GEMINI_CLI_TRUST_WORKSPACE": "true"},
    files={".gemini/settings.json": '{"privacy": {"usageStatisticsEnabled": false}}'},
    app="GeminiCLI-tui",
    provider="gcp.gemini",
    transports=frozenset({"http", "sse"}),
    linked_by=frozenset({"alone", "chain"}),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What an agent did, as the store has it: the calls, oldest first, and those of its conversation as a tree."""

    rows: list[dict[str, Any]]
    talk: list[dict[str, Any]]


def work(house: Any, agent: Agent, folder: Path) -> Work:
    """Two turns: a command to run, then another question in the same conversation."""
    user, place = folder / "user", folder / "place"
    place.mkdir()
    for name, text in agent.files.items():
        (user / name).parent.mkdir(parents=True, exist_ok=True)
        (user / name).write_text(text)
    ours = {name: value for name, value in house.environ.items() if not name.startswith(_THEIRS)}
    environ = {**ours, **agent.settings, "HOME": str(user)}
    before = {row["id"] for row in house.rows()}
    for words in ((*agent.first, agent.tool.format(command="expr 40 + 2")), (*agent.again, "repeat after me: bye")):
        command = ("exec", "--", str(Path(agent.binary or agent.name).absolute()), *words)
        done = house.run(*command, timeout_s=_DEADLINE_S, env=environ, cwd=place, input="")
        assert done.returncode == 0, done.stdout + done.stderr
    assert "bye" in done.stdout
    rows = [row for row in reversed(house.rows()) if row["id"] not in before]
    [(trace, _)] = Counter(row["trace_id"] for row in rows).most_common(1)
    tree = house.run("traces", "tree", trace, "--json")
    return Work(rows, [json.loads(line) for line in tree.stdout.splitlines()])


def check_call(row: dict[str, Any], agent: Agent) -> None:
    assert (row["decode_error"], row["error"], row["action"]) == (None, None, "allow"), row
    assert (row["app"], row["provider"]) == (agent.app, agent.provider)
    assert row["transport"] in agent.transports
    assert row["linked_by"] in agent.linked_by
    assert row["model"]
    assert row["input_tokens"] > 0
    assert row["cost_usd"] > 0
    assert row["cost_basis"] == "metered"


def check_tool(house: Any, talk: list[dict[str, Any]], agent: Agent) -> None:
    """The command is one span, from the call that asked for it to the one that brought what it printed."""
    [(span, reader)] = [(span, row) for row in talk for span in row["tool_spans"]]
    [caller] = [row for row in talk if row["id"] == span["called_by"]]
    assert (span["name"], span["failed"], caller["tools_called"]) == (agent.tool_name, False, [agent.tool_name])
    request = house.ask({"op": "exchange", "id": reader["id"]})["exchange"]["request"]
    brought = [item["text"] for item in request["segments"] if item["path"].startswith(span["path"])]
    assert "42" in "".join(brought)


def check_last(house: Any, row: dict[str, Any]) -> None:
    """What was asked last and what was answered, word for word."""
    last = house.ask({"op": "exchange", "id": row["id"]})["exchange"]
    assert "repeat after me: bye" in [item["text"] for item in last["request"]["segments"] if item["part"] == "user"]
    assert [item["text"] for item in last["response"]["segments"] if item["part"] == "assistant"] == ["bye"]


def case(agent: Agent) -> Any:
    reason = f"{agent.name} is not installed: npm install {agent.package}, and put it on PATH or in {agent.variable}"
    return pytest.param(agent, id=agent.name, marks=pytest.mark.skipif(agent.binary is None, reason=reason))


@pytest.mark.parametrize("agent", [case(CODEX), case(CLAUDE), case(GEMINI)])
def test_an_agent_is_read_in_full(house: Any, agent: Agent, tmp_path: Path) -> None:
    done = work(house, agent, tmp_path)
    for row in done.rows:
        check_call(row, agent)
    assert len({row["session"] for row in done.rows}) == 1
    spoken = [row for row in done.talk if row["output_tokens"]]  # Codex warms its socket up first, which says nothing
    assert len(spoken) == 3
    assert {row["turn"] for row in spoken[1:]} == {"next"}
    assert [row["parent_id"] for row in spoken[1:]] == [row["id"] for row in spoken[:-1]]
    check_tool(house, done.talk, agent)
    check_last(house, spoken[-1])

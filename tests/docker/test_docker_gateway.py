"""The gateway's script and compose file: what they would do, told without a privilege. tests/e2e does it (root)."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from midwatch.open_relay import refuse_open_relay
from midwatch_core.config import load_config
from tests.beside import SHELLCHECK, tool_beside

DOCKER = Path(__file__).resolve().parents[2] / "docker"
SCRIPT = DOCKER / "gateway" / "redirect"
COMPOSE = yaml.safe_load((DOCKER / "compose.transparent.yaml").read_text())
SERVICES = COMPOSE["services"]


def redirect(*words: str, code: int = 0) -> str:
    done = subprocess.run(["sh", str(SCRIPT), *words], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def show(tool: str, *words: str) -> list[str]:
    return [line.strip() for line in redirect("show", "--with", tool, *words).splitlines()]


def test_the_script_is_plain_sh() -> None:
    tool = tool_beside("shellcheck", *SHELLCHECK)
    done = subprocess.run([tool, "--shell=sh", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_nft_replaces_its_own_table_in_one_transaction_and_touches_no_other() -> None:
    lines = show("nft")
    assert lines[:3] == [
        "add table inet midwatch_gateway",
        "delete table inet midwatch_gateway",
        "table inet midwatch_gateway {",
    ]
    assert [line for line in lines if "table" in line and "midwatch_gateway" not in line] == []
    assert "tcp dport { 80,443 } counter redirect to :8080" in lines
    assert "udp dport { 80,443 } counter reject with icmpx port-unreachable" in lines
    assert not any("hook output" in line for line in lines)


@pytest.mark.parametrize("tool", ["nft", "iptables"])
def test_what_is_left_alone_comes_before_what_is_done(tool: str) -> None:
    words = ("--except", "10.0.0.0/8", "--except", "fd00::/8", "--local", "--user", "10001", "--mark", "0x7")
    rules = show(tool, *words)
    ends = [at for at, line in enumerate(rules) if re.search("redirect to|REDIRECT|reject with|REJECT", line)]
    begins = [-1, *ends[:-1]]
    alone = {"nft": "fib daddr type local return", "iptables": "--dst-type LOCAL -j RETURN"}[tool]
    for begin, end in zip(begins, ends, strict=True):
        chain = "\n".join(rules[begin + 1 : end])
        assert alone in chain
        assert "10.0.0.0/8" in chain or "fd00::/8" in chain
        if re.search(r"hook output|^:\w+_LOCAL ", chain, re.MULTILINE):
            assert "10001" in chain
            assert "0x7" in chain
    assert len(ends) == {"nft": 4, "iptables": 8}[tool]


def test_each_family_of_iptables_gets_its_own_networks_and_its_own_refusal() -> None:
    text = redirect("show", "--with", "iptables", "--except", "10.0.0.0/8", "--except", "fd00::/8")
    four, six = text.split("# ip6tables-restore --noflush")
    assert ("10.0.0.0/8" in four, "fd00::/8" in four, "icmp-port-unreachable" in four) == (True, False, True)
    assert ("10.0.0.0/8" in six, "fd00::/8" in six, "icmp6-port-unreachable" in six) == (False, True, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["up", "--local"], "--local needs --user or --mark"),
        (["up", "--to", "80; reboot"], "--to: '80; reboot' is no value for it"),
        (["up", "--except", "10.0.0.0/8 return"], "is no value for it"),
        (["up", "--interface"], "--interface needs a value"),
        (["up", "--port", "1"], "--port is no option"),
        (["up", "--with", "ebtables"], "give nft or iptables"),
        (["down", "all"], "down takes no options"),
        ([], "redirect up [OPTION…]"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_changes_nothing_and_says_why(words: list[str], says: str) -> None:
    assert says in redirect(*words, code=2)


def test_help_names_every_option_that_there_is() -> None:
    known = set(re.findall(r"--[a-z]+", redirect("--help")))
    taken = set(re.findall(r"^ +(--[a-z |-]+)\) ", SCRIPT.read_text(), re.MULTILINE))
    assert {word for words in taken for word in words.split(" | ")} <= known


def test_midwatch_has_no_privilege_and_is_who_the_rules_leave_out() -> None:
    gateway, midwatch = SERVICES["gateway"], SERVICES["midwatch"]
    assert midwatch["user"].partition(":")[0] == gateway["command"][gateway["command"].index("--user") + 1]
    assert re.search(r"^USER 10001:10001$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    assert [name for name, service in SERVICES.items() if service.get("cap_add")] == ["gateway", "app-route"]
    assert all(service["cap_drop"] == ["ALL"] for name, service in SERVICES.items() if name != "app")
    assert all(service["read_only"] for name, service in SERVICES.items() if name != "app")


def test_the_rules_of_the_compose_file_lead_to_where_midwatch_listens() -> None:
    lines = show("nft", *SERVICES["gateway"]["command"])
    config = configured()
    assert f"tcp dport {{ 80,443 }} counter redirect to :{config.listen.rpartition(':')[2]}" in lines
    assert any("hook output" in line for line in lines)


def test_the_compose_files_settings_may_start() -> None:
    config = configured()
    refuse_open_relay(config.mode, config.listen, required=config.identity.required)
    networks = COMPOSE["networks"]["fleet"]["ipam"]["config"]
    assert [pool["subnet"] for pool in networks] == list(config.tenants["fleet"].networks)


def configured() -> Any:
    """The configuration of the proxy of the compose file."""
    service = SERVICES["midwatch"]
    words = service["command"][1:]
    flags = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    return load_config(file=None, flags=flags | {"mode": [flags["mode"]]}, environ=service["environment"])

"""`exec`: a command's calls are watched, by the proxy that runs or by one of its own, and nothing else changes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

# An application as one writes it: nothing of a proxy in it. It calls until its reader has seen enough.
APPLICATION = """
import pathlib, sys, time, openai
client = openai.OpenAI(api_key="sk-e2e", base_url=sys.argv[1])
seen, end = pathlib.Path(sys.argv[2]), time.monotonic() + 100
while True:
    ask = dict(model="gpt-4o-mini", messages=[{"role": "user", "content": "Who is there?"}])
    answer = client.chat.completions.create(**ask)
    list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    if seen.exists():
        break
    assert time.monotonic() < end, "nobody saw it"
    time.sleep(0.3)
print(answer.choices[0].message.content)
"""
CHAT = '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x"}]}'


class Tail:
    """`tail --json` in a second shell; `rows` fills as they come."""

    def __init__(self, command: list[str], environ: dict[str, str], on_row: Callable[[dict[str, Any]], None]) -> None:
        self.rows: list[dict[str, Any]] = []
        self._on_row = on_row
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.rows.append(json.loads(line))
            self._on_row(self.rows[-1])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def tail(front_door: tuple[str, ...], bare_environment: dict[str, str]) -> Iterator[Callable[..., Tail]]:
    running: list[Tail] = []

    def start(home: Path, on_row: Callable[[dict[str, Any]], None]) -> Tail:
        running.append(Tail([*front_door, "tail", "--json", "--home", str(home)], bare_environment, on_row))
        return running[-1]

    yield start
    for item in running:
        item.process.kill()
        item.process.wait()


def check(rows: list[dict[str, Any]], provider: str, host: str) -> None:
    """Whole and streamed calls, each with all that Must show 3 asks for."""
    assert {row["streamed"] for row in rows} == {False, True}
    for row in rows:
        assert (row["provider"], row["host"], row["model"]) == (provider, host, "gpt-4o-mini")
        assert (row["status"], row["app"], row["finish_reason"]) == (200, "OpenAI/Python", "stop")
        assert row["input_tokens"] > 0
        assert row["output_tokens"] > 0
        assert row["cost_usd"] is not None or row["cost_reason"]
        assert row["ttft_ms"] is not None


def test_with_a_running_proxy(house: Any, world: Any, tail: Any, tmp_path: Path) -> None:
    """A provider under `localhost:PORT`, as somebody with a server of their own would add it."""
    seen = tmp_path / "seen"
    follower = tail(house.home.root, lambda row: seen.touch() if row["host"] == "localhost" else None)
    base = f"https://localhost:{world.providers.tls_port}/v1"
    before = {row["id"] for row in house.rows()}
    done = house.run("exec", "--", sys.executable, "-c", APPLICATION, base, str(seen), timeout_s=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1  # the application's own line and nothing of ours
    rows = [row for row in house.traces() if row["id"] not in before]
    check(rows, "acme", "localhost")
    assert follower.stop() == 130
    live = {row["id"]: row for row in follower.rows}
    assert live
    assert all(live[row["id"]] == row for row in rows if row["id"] in live)


def test_with_a_proxy_of_its_own(
    world: Any,
    tail: Any,
    living: Any,
    waiting: Any,
    front_door: tuple[str, ...],
    bare_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """A made-up name; nothing runs before or after, and nothing outside the home is touched."""
    home, user, seen = tmp_path / "home", tmp_path / "user", tmp_path / "seen"
    user.mkdir()
    config = tmp_path / "config.yaml"
    settings = world.config()
    settings["providers"] = [{"name": "acme", "hosts": ["sim.example"]}]
    config.write_text(yaml.safe_dump(settings))
    environ = {**bare_environment, "HOME": str(user), "PYTHONDONTWRITEBYTECODE": "1"}
    before = dict(os.environ)
    where = ["--home", str(home)]
    child = [sys.executable, "-c", APPLICATION, "https://sim.example/v1", str(seen)]
    command = [*front_door, "exec", *where, "--config", str(config), "--app", "night-shift", "--", *child]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, text=True) as process:
        waiting(lambda: (home / "run" / "control.sock").exists(), "exec's control process")
        follower = tail(home, lambda row: seen.touch())
        waiting(lambda: seen.exists() or process.poll() is not None, "a call to be seen live")
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.count("\n") == 1
    assert err == ""
    assert follower.rows
    assert follower.process.wait(30) == 0  # what it followed has ended
    listing = subprocess.run(
        [*front_door, "traces", *where, "--json"], capture_output=True, text=True, check=True, env=environ
    )
    rows = [json.loads(line) for line in listing.stdout.splitlines()]
    assert {row["app"] for row in rows} == {"night-shift"}
    check([{**row, "app": "OpenAI/Python"} for row in rows], "acme", "sim.example")
    waiting(lambda: not living(str(home)), "all that exec started to end")
    assert list(user.iterdir()) == []
    assert dict(os.environ) == before


def test_the_same_settings_join_and_others_are_refused(house: Any, tmp_path: Path) -> None:
    same = house.run("exec", "--config", str(house.config_file), "--", "env")
    assert same.returncode == 0, same.stderr
    assert f"HTTPS_PROXY={house.proxy}" in same.stdout.splitlines()
    other = tmp_path / "other.yaml"
    other.write_text("workers: 2\n")
    refused = house.run("exec", "--config", str(other), "--", "env")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert str(other) in refused.stderr


def test_two_at_once_do_not_depend_on_each_other(
    world: Any, front_door: tuple[str, ...], bare_environment: dict[str, str], tmp_path: Path
) -> None:
    """In one fresh home: the first to end takes nothing from the other."""
    home, config = tmp_path / "home", tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(world.config()))
    script = (
        "import json, sys, httpx; input(); httpx.post(sys.argv[1], json=json.loads(sys.argv[2])).raise_for_status()"
    )
    url = "https://api.openai.com/v1/chat/completions"
    child = ["--", sys.executable, "-c", script, url, CHAT]
    where = ["--home", str(home), "--config", str(config)]

    def begin(app: str) -> subprocess.Popen[str]:
        command = [*front_door, "exec", *where, "--app", app, *child]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bare_environment)

    with begin("one") as one, begin("two") as two:
        for process in (one, two):
            _, err = process.communicate("go\n", timeout=120)
            assert (process.returncode, err) == (0, "")
    listing = subprocess.run(
        [*front_door, "traces", "--home", str(home), "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=bare_environment,
    )
    rows = [json.loads(line) for line in listing.stdout.splitlines()]
    assert {(row["app"], row["status"]) for row in rows} == {("one", 200), ("two", 200)}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ([sys.executable, "-c", "raise SystemExit(7)"], 7),
        ([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"], 128 + signal.SIGTERM),
        (["no-such-command-anywhere"], 127),
        (["/"], 126),
    ],
)
def test_the_exit_code_is_the_commands(house: Any, command: list[str], code: int) -> None:
    done = house.run("exec", "--", *command)
    assert done.returncode == code
    assert done.stdout == ""


def test_a_command_keeps_its_options_and_its_input(house: Any) -> None:
    script = "import sys; print(sys.argv[1:], sys.stdin.read())"
    words = ["--json", "-x", "--home", "a b", "--", "--help"]
    done = house.run("exec", "--", sys.executable, "-c", script, *words, input="typed")
    assert done.stdout == f"{words} typed\n"


def test_no_command_is_wrong_use(house: Any) -> None:
    assert house.run("exec").returncode == 2
    assert house.run("exec", "--app", "a:b", "--", "true").returncode == 2


def test_curl(house: Any, trail: Any) -> None:
    if shutil.which("curl") is None:
        pytest.skip("another runtime: curl is not installed")
    way = trail()
    header = f"traceparent: {way.header['traceparent']}"
    words = ["curl", "-sS", "--fail", "-H", header, "-H", "content-type: application/json", "-d", CHAT]
    done = house.run("exec", "--", *words, "https://api.openai.com/v1/chat/completions")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["object"] == "chat.completion"
    assert house.row(way.id)["app"] == "curl"


def test_requests(house: Any, trail: Any) -> None:
    way = trail()
    script = (
        "import json, requests, sys; requests.post('https://api.openai.com/v1/chat/completions', "
        "json=json.loads(sys.argv[1]), headers=json.loads(sys.argv[2])).raise_for_status()"
    )
    done = house.run("exec", "--", sys.executable, "-c", script, CHAT, json.dumps(way.header))
    assert done.returncode == 0, done.stderr
    assert house.row(way.id)["app"] == "python-requests"


def _node_heeds_proxies() -> bool:
    if shutil.which("node") is None:
        return False
    text = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    major, minor, *_ = (int(part) for part in text.strip().lstrip("v").split("."))
    return major >= 24 or (major == 22 and minor >= 21)


def test_node(house: Any, trail: Any) -> None:
    if not _node_heeds_proxies():
        pytest.skip("another language's runtime: Node.js 24, or 22.21, whose fetch heeds proxy variables")
    way = trail()
    script = (
        "const [body, headers] = process.argv.slice(1); const answer = await fetch("
        "'https://api.openai.com/v1/chat/completions', {method: 'POST', body, headers: JSON.parse(headers)});"
        "if (!answer.ok) process.exit(1); await answer.text()"
    )
    done = house.run("exec", "--", "node", "--input-type=module", "-e", script, CHAT, json.dumps(way.header))
    assert done.returncode == 0, done.stderr
    assert house.row(way.id)["status"] == 200


JAVA = """
import java.net.URI;
import java.net.http.*;
public class Call {
    public static void main(String[] words) throws Exception {
        var request = HttpRequest.newBuilder(URI.create("https://api.openai.com/v1/chat/completions"))
            .header("traceparent", words[0]).POST(HttpRequest.BodyPublishers.ofString(words[1])).build();
        var client = HttpClient.newBuilder().proxy(java.net.ProxySelector.getDefault()).build();
        System.exit(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode() == 200 ? 0 : 1);
    }
}
"""


def test_java(house: Any, trail: Any, tmp_path: Path) -> None:
    if shutil.which("javac") is None:
        pytest.skip("another language's runtime: a Java development kit")
    way = trail()
    source = tmp_path / "Call.java"
    source.write_text(JAVA)
    done = house.run("exec", "--", "java", str(source), way.header["traceparent"], CHAT, timeout_s=120)
    assert done.returncode == 0, done.stderr
    assert house.row(way.id)["app"] == "Java-http-client"

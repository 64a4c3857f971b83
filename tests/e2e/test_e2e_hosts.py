"""Somebody else's mitmproxy as our host: `mitmdump -s run.py` and `mitmweb -s run.py`."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from mitmproxy import http
from mitmproxy.io import FlowReader

from tests.ports import free_port

CHAT = "https://api.openai.com/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who goes there?"}]}


class Script:
    """A mitmproxy tool with our script, on a free port."""

    def __init__(self, tool: str, words: list[str], folder: Path, environ: Mapping[str, str], waiting: Any) -> None:
        self.folder = folder
        log = folder / f"{tool}.log"
        program = f"from mitmproxy.tools.main import {tool}; {tool}()"
        command = [sys.executable, "-c", program, "--listen-host", "127.0.0.1", "--listen-port", "0"]
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, "--set", f"confdir={folder}", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={**environ, "PYTHONUNBUFFERED": "1"},
            )

        def address() -> str | None:
            assert self.process.poll() is None, log.read_text()
            found = re.search(r"proxy(?: \(.*\))? listening at \*?(?:https?://)?([\d.]*:\d+)", log.read_text())
            return found and found[1]

        self.address = waiting(address, "the host to listen")

    def call(self, headers: dict[str, str], **more: Any) -> httpx.Response:
        context = ssl.create_default_context(cafile=str(self.folder / "mitmproxy-ca-cert.pem"))
        with httpx.Client(proxy=f"http://{self.address}", verify=context, timeout=60) as web:
            return web.post(CHAT, json={**BODY, **more}, headers=headers)


@pytest.fixture
def start(
    tmp_path: Path, waiting: Any, front_door: tuple[str, ...], bare_environment: dict[str, str]
) -> Iterator[Callable[..., Script]]:
    with contextlib.ExitStack() as stack:

        def begin(tool: str, home: Path, *words: str) -> Script:
            folder = tmp_path / tool
            folder.mkdir()
            script = ["-s", front_door[1], "--set", f"midwatch_home={home}"]
            host = Script(tool, [*script, *words], folder, bare_environment, waiting)
            stack.callback(host.process.wait)
            stack.callback(host.process.kill)
            return host

        yield begin


def traces(front_door: tuple[str, ...], home: Path, environ: dict[str, str]) -> str:
    command = [*front_door, "traces", "--json", "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout


def control_of(home: Path, living: Callable[[str], list[str]]) -> list[int]:
    return [int(line.split()[0]) for line in living(str(home)) if "midwatch.control" in line]


# SIGTERM ends mitmweb, below.
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_mitmdump_starts_a_control_process_and_ends_it(
    start: Any,
    world: Any,
    living: Any,
    waiting: Any,
    trail: Any,
    tmp_path: Path,
    front_door: tuple[str, ...],
    bare_environment: dict[str, str],
    ending: signal.Signals,
) -> None:
    home, way = tmp_path / "home", trail()
    home.mkdir(mode=0o700)
    (home / "config.yaml").write_text(yaml.safe_dump(world.config(console="127.0.0.1:0")))
    host = start("mitmdump", home, "--set", "flow_detail=3")
    waiting(lambda: control_of(home, living), "the host's control process")
    waiting(lambda: (home / "run" / "control.sock").exists(), "its door")
    assert host.call(way.header, stream=True, stream_options={"include_usage": True}).status_code == 200
    shown = traces(front_door, home, bare_environment)
    assert way.id in shown
    assert '"cost_usd":0.0' in shown
    printed = (host.folder / "mitmdump.log").read_text()
    assert "── user  /messages/0/content" in printed
    assert "── assistant  /choices/0/message/content" in printed
    host.process.send_signal(ending)
    host.process.wait(60)
    waiting(lambda: not living(str(home)), "all to end")
    assert way.id in traces(front_door, home, bare_environment)


@contextlib.contextmanager
def windows(port: int) -> Iterator[httpx.Client]:
    """mitmweb's own API."""
    headers = {"authorization": "Bearer letmein", "x-xsrftoken": "a"}
    cookies = {"_mitmproxy_xsrf": "a"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, cookies=cookies, timeout=60) as web:
        yield web


def test_mitmweb_joins_the_control_process_that_runs_and_shows_calls(
    start: Any, house: Any, living: Any, waiting: Any, trail: Any
) -> None:
    before, way, port = control_of(house.home.root, living), trail(), free_port()
    words = ["--set", f"midwatch_config={house.config_file}", "--set", "web_password=letmein"]
    host = start("mitmweb", house.home.root, *words, "--no-web-open-browser", "--web-port", str(port))
    waiting(lambda: house.ask({"op": "status"})["workers"] == 2, "the second worker")
    assert host.call(way.header, stream=True, stream_options={"include_usage": True}).status_code == 200
    row = house.row(way.id)
    assert (row["provider"], row["streamed"], row["status"]) == ("openai", True, 200)
    with windows(port) as web:
        check_windows(web, waiting)
    host.process.send_signal(signal.SIGTERM)
    host.process.wait(60)
    waiting(lambda: not living(str(host.folder)), "the host to end")
    assert control_of(house.home.root, living) == before
    assert house.home.control_socket.exists()
    waiting(lambda: house.ask({"op": "status"})["ready"], "the house, unharmed")


def check_windows(web: httpx.Client, waiting: Any) -> None:
    # What only control knows, the cost, comes when it has stored the call.
    flow = waiting(lambda: next((one for one in web.get("/flows").json() if "$" in one["comment"]), None), "a cost")
    assert re.fullmatch(r"openai gpt-4o-mini · \d+→\d+ tokens · \$0\.\d+", flow["comment"])
    asked, told = (web.get(f"/flows/{flow['id']}/{side}/content/auto").json() for side in ("request", "response"))
    assert (asked["view_name"], told["view_name"]) == ("LLM conversation", "LLM conversation")
    assert "  Who goes there?" in asked["text"].splitlines()
    assert "── assistant  /choices/0/message/content" in told["text"].splitlines()
    (saved,) = FlowReader(io.BytesIO(web.get("/flows/dump").content)).stream()
    assert isinstance(saved, http.HTTPFlow)
    assert saved.comment == flow["comment"]
    assert saved.response is not None
    assert b"data: [DONE]" in (saved.response.raw_content or b"")
    found = web.post("/commands/midwatch.conversation", json={"arguments": ["@all"]}).json()
    assert "  Who goes there?" in found["value"]


def test_a_host_that_cannot_watch_says_so_and_ends(
    world: Any, waiting: Any, front_door: tuple[str, ...], bare_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text("retention_dayz: 3\n")
    program = "from mitmproxy.tools.main import mitmdump; mitmdump()"
    words = ["--listen-port", "0", "--listen-host", "127.0.0.1", "-s", front_door[1], "--set", f"confdir={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words, "--set", f"midwatch_home={tmp_path}"],
        capture_output=True,
        text=True,
        env=bare_environment,
        timeout=60,
        check=False,
    )
    assert "retention_days" in done.stdout + done.stderr

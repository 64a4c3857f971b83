"""Runs the demo: providers, proxy and application are started, and what was seen is held against what was sent."""

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from midwatch.cli.printing import EXCHANGE_COLUMNS, EXCHANGE_NUMBERS, exchange_cells, print_json, print_table
from midwatch.clients import client_environment
from midwatch.crew.supervisor import Supervisor
from midwatch.demo.mcp_server import HOST as TOOLS_HOST
from midwatch.demo.mcp_server import serving, tool_server
from midwatch.demo.models import has_models, models_loaded, show_findings, veiled_findings
from midwatch.demo.words import OWN_WORDS, VEILED_LABEL
from midwatch.home import Home
from midwatch.lines import LineClient
from midwatch.logs import set_up_logs
from midwatch.simulated import SimulatedProviders
from midwatch.starting import Ready, prepare
from midwatch.trust import write_client_bundle

_TLS_HOSTS = (
    "api.openai.com",
    "api.anthropic.com",
    "api.cohere.com",
    "bedrock-runtime.us-east-1.amazonaws.com",
    "generativelanguage.googleapis.com",
)
_LIBRARIES = ("openai", "anthropic", "google.genai", "httpx", "boto3", "mcp")
_PLAIN_HOSTS = ("ollama.demo",)
_CALLS_S = 120.0
_REDACTED = re.compile(rb'Repeat after me: ([^"]*<EMAIL_[^"]*)"')


def run_demo(*, keep: bool, as_json: bool) -> int:
    """Run it in a home of its own, gone at the end. 0 when everything sent was seen, else 1."""
    missing = [name for name in _LIBRARIES if not _installed(name)]
    if missing:
        print(f"midwatch: the demo drives real clients; install: {', '.join(missing)}", file=sys.stderr)
        return 2
    os.environ.setdefault("MIDWATCH_LOG_LEVEL", "WARNING")
    set_up_logs("demo")
    with tempfile.TemporaryDirectory(prefix="midwatch-demo-") as folder:
        return asyncio.run(_demo(Path(folder), keep=keep, as_json=as_json))


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


async def _demo(folder: Path, *, keep: bool, as_json: bool) -> int:
    async with SimulatedProviders(folder=folder / "providers") as providers:
        with serving(tool_server()) as tools_port:
            return await _walk(folder, providers, tools_port, keep=keep, as_json=as_json)


async def _walk(folder: Path, providers: SimulatedProviders, tools_port: int, *, keep: bool, as_json: bool) -> int:
    ready = _prepare(folder, providers, tools_port, keep=keep)
    supervisor = Supervisor(ready.settings.home, ready.settings.config, ready.sockets)
    supervisor.start()
    veiled = has_models(ready.settings.plugins)
    try:
        if veiled:
            await models_loaded(ready.settings.home)
        sent, failed = await _call(ready, veiled=veiled)
        seen = await _seen(ready.settings.home)
        code = _report(sent, seen, failed=failed, as_json=as_json)
        if not as_json:
            _show_redaction(providers)
        if veiled:
            code = await _report_models(ready.settings.home, sent, seen, as_json=as_json) or code
        if keep:
            await _linger(ready)
        return code
    finally:
        await supervisor.stop()


def _prepare(folder: Path, providers: SimulatedProviders, tools_port: int, *, keep: bool) -> Ready:
    """The real names lead to the simulated providers, for this proxy alone."""
    tls = dict.fromkeys(_TLS_HOSTS, f"127.0.0.1:{providers.tls_port}")
    plain = dict.fromkeys(_PLAIN_HOSTS, f"127.0.0.1:{providers.http_port}")
    plain[TOOLS_HOST] = f"127.0.0.1:{tools_port}"
    flags: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "console": "127.0.0.1:8082" if keep else "127.0.0.1:0",
        "upstream_ca": str(providers.ca_file),
        "connect_to": tls | plain,
        "drain_s": 5.0,
        "policy": "balanced",
        # A slow machine's models are waited for, so that the record has what they say.
        "plugins": {"models_wait_s": 10.0},
    }
    return prepare(Home(folder / "home"), config_file=None, flags=flags)


async def _call(ready: Ready, *, veiled: bool) -> tuple[list[dict[str, Any]], bool]:
    """Run the application under the proxy's variables, as `exec` does; what it sent, and whether it failed."""
    home = ready.settings.home
    environ = client_environment(
        os.environ,
        proxy_url=f"http://{ready.settings.config.listen}",
        bundle=write_client_bundle(home),
        ca=home.ca_certificate,
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "midwatch.demo.calls"),
        *(["--veiled"] if veiled else []),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_CALLS_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        out, _ = await process.communicate()
    return [json.loads(line) for line in out.splitlines()], process.returncode != 0


async def _seen(home: Home) -> list[dict[str, Any]]:
    client = LineClient(home.control_socket)
    await client.ask({"op": "sync"})
    answer = await client.ask({"op": "exchanges", "limit": 500})
    rows: list[dict[str, Any]] = answer["rows"]
    return rows


def _report(sent: Sequence[dict[str, Any]], seen: Sequence[dict[str, Any]], *, failed: bool, as_json: bool) -> int:
    rows = _by_trace(seen)
    missing = [call for call in sent if not _whole(rows.get(call["trace_id"]), call)]
    ordered = [rows[call["trace_id"]] for call in sent if call["trace_id"] in rows]
    if as_json:
        print_json(ordered)
    else:
        print_table("What Midwatch saw", ("dialect", *EXCHANGE_COLUMNS), _cells(ordered), right=EXCHANGE_NUMBERS)
    for call in missing:
        print(f"not seen in full: {call['label']} {'streamed' if call['streamed'] else ''}", file=sys.stderr)
    if failed or not sent:
        print("the demo's application failed; its error is above", file=sys.stderr)
    good = bool(sent) and not missing and not failed
    if good and not as_json:
        print(f"{len(sent)} calls sent by unchanged clients, {len(ordered)} seen and decoded (~ streamed, ? no price).")
    return 0 if good else 1


async def _report_models(
    home: Home, sent: Sequence[dict[str, Any]], seen: Sequence[dict[str, Any]], *, as_json: bool
) -> int:
    """What models found; 1 where they said nothing."""
    traces = {call["trace_id"] for call in sent if call["label"] == VEILED_LABEL}
    findings = await veiled_findings(home, [row for row in seen if row["trace_id"] in traces])
    if not findings:
        print("the models found nothing in the veiled tool result: see `doctor`", file=sys.stderr)
        return 1
    if not as_json:
        show_findings(findings)
    return 0


def _by_trace(seen: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """One row a call of the application. A session with a tool server is several: shown is the tool's own."""
    rows: dict[str, dict[str, Any]] = {}
    for row in seen:
        if row["operation"] == "execute_tool" or row["trace_id"] not in rows:
            rows[row["trace_id"]] = row
    return rows


def _show_redaction(providers: SimulatedProviders) -> None:
    """What the provider was given of the call with personal data; the client has checked its answer."""
    for received in providers.ledger.items:
        found = _REDACTED.search(received.body)
        if found is not None:
            print(f"redacted and restored: the client wrote and read {OWN_WORDS!r},")
            print(f"                       the provider read         {found[1].decode()!r}.")
            return


def _whole(row: dict[str, Any] | None, call: dict[str, Any]) -> bool:
    """Seen means read: the model, its tokens, the time, a cost or why there is none, and nothing left undecoded."""
    return (
        row is not None
        and row["streamed"] == call["streamed"]
        and row["status"] in (200, 101)
        and (not call["model"] or (bool(row["model"]) and row["input_tokens"] is not None))
        and row["ttft_ms"] is not None
        and (row["cost_usd"] is not None or bool(row["cost_reason"]))
        and row["decode_error"] is None
        and row["error"] is None
    )


def _cells(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [[row["dialect"], *exchange_cells(row)] for row in rows]


async def _linger(ready: Ready) -> None:
    print(f"\nThe console: http://{ready.settings.config.console}   (Ctrl-C ends the demo)", flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()

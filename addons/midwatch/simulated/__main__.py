"""`python -m midwatch.simulated`: the simulated providers as a process of their own, for benchmarks and by hand."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import orjson

from midwatch.simulated.script import Script, ScriptError, parse_script
from midwatch.simulated.server import SimulatedProviders


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM, SIGINT or the end of standard input. Prints one JSON line when ready; 2 for wrong use."""
    options = _parser().parse_args(arguments)
    try:
        script = parse_script(options.script, Script())
        asyncio.run(_run(options, script))
    except (OSError, ScriptError) as wrong:
        print(f"simulated providers: {wrong}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m midwatch.simulated", description=__doc__)
    parser.add_argument("--tls-port", type=int, default=0, metavar="N", help="0: any free port")
    parser.add_argument("--http-port", type=int, default=0, metavar="N", help="0: any free port")
    parser.add_argument("--host", action="append", metavar="ADDRESS", help="listen there; 127.0.0.1 if not given")
    parser.add_argument("--folder", type=Path, required=True, metavar="DIR", help="where ca.pem goes")
    parser.add_argument("--name", action="append", default=[], metavar="HOST", help="further name of the certificate")
    parser.add_argument("--script", default="", metavar="KEY=VALUE,…", help="as in the x-sim header, for all requests")
    parser.add_argument("--quiet", action="store_true", help="count requests, record nothing")
    parser.add_argument("--client-ca", type=Path, metavar="FILE", help="ask for a certificate of this authority")
    parser.add_argument("--no-http2", action="store_true", help="offer HTTP/1.1 alone")
    return parser


async def _run(options: argparse.Namespace, script: Script) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sim = SimulatedProviders(
        folder=options.folder,
        extra_names=options.name,
        script=script,
        tls_port=options.tls_port,
        http_port=options.http_port,
        record=not options.quiet,
        http2=not options.no_http2,
        hosts=options.host or ("127.0.0.1",),
        client_ca=options.client_ca,
    )
    async with sim:
        ready = {"tls_port": sim.tls_port, "http_port": sim.http_port, "ca_file": str(sim.ca_file)}
        print(orjson.dumps(ready).decode(), flush=True)
        _watch_stdin(loop, stop)
        await stop.wait()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when whoever started us closes our standard input, as it does by dying. A file there ends nothing."""

    def readable() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin)
            stop.set()

    try:
        loop.add_reader(sys.stdin, readable)
    except (OSError, ValueError):
        # epoll refuses regular files; /dev/null and a closed stdin count as nobody watching.
        return


if __name__ == "__main__":
    raise SystemExit(main())

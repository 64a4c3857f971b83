"""The lean host as a process of its own: `python -m benchmarks.lean_proxy --patches all`.

Prints one JSON line when it listens, {"port": …, "patches": […]}, and serves until SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal

from mitmproxy import http

from midwatch.lean import ALL_PATCHES, Listening, bind, make_master, patches_named


class StreamAll:
    """Streams every response through as it comes: the bare cost of not buffering."""

    name = "stream_all"

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.response
        flow.response.stream = True


class StreamEventStreams:
    """As the suite will: event streams pass through a callable that does nothing, JSON is buffered."""

    name = "stream_event_streams"

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.response
        if "event-stream" in flow.response.headers.get("content-type", ""):
            flow.response.stream = _unchanged


def _unchanged(data: bytes) -> bytes:
    return data


class Announce:
    """Prints the line that says where the proxy listens and with what."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.patches: list[str] = []

    def running(self) -> None:
        print(json.dumps({"port": self._port, "patches": self.patches}), flush=True)


async def serve(args: argparse.Namespace) -> None:
    """Run the host with the patches and the streaming asked for."""
    patches = ALL_PATCHES if args.patches == "all" else patches_named(filter(None, args.patches.split(",")))
    sockets = bind("127.0.0.1", args.port)
    port = sockets[0].getsockname()[1]
    announce = Announce(port)
    kinds: dict[str, list[object]] = {"none": [], "true": [StreamAll()], "callable": [StreamEventStreams()]}
    streams = kinds[args.stream]
    options = {
        "confdir": args.confdir,
        "listen_host": "127.0.0.1",
        "listen_port": port,
        "ssl_verify_upstream_trusted_ca": args.upstream_ca,
    }
    if not any(patch.name == "handed-sockets" for patch in patches):
        for sock in sockets:
            sock.close()
        sockets = ()
    master = make_master(options, [announce, *streams], patches=patches, listening=Listening(sockets=sockets))
    announce.patches = [report.name for report in master.patches.reports if report.applied]
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, master.shutdown)
    if args.profile:
        await _profiled(master.run(), args.profile)
    else:
        await master.run()


async def _profiled(run: object, path: str) -> None:
    import cProfile

    profile = cProfile.Profile()
    profile.enable()
    await run  # type: ignore[misc]
    profile.disable()
    profile.dump_stats(path)


def main() -> None:
    """Entry point of `python -m benchmarks.lean_proxy`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--confdir", required=True)
    parser.add_argument("--upstream-ca", required=True)
    parser.add_argument("--patches", default="all", help="names separated by commas, all, or nothing for stock code")
    parser.add_argument("--stream", choices=("none", "true", "callable"), default="none")
    parser.add_argument("--profile", default="")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()

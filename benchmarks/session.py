"""One run of the benchmarks: the upstream, the folder, and hosts measured in turns (A B A B …) to share the noise."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mitmproxy.certs import CertStore

from benchmarks import procstat
from benchmarks.hosts import HOSTS, Bench, ProcessHost
from benchmarks.load import Client, Load, Requests, Target, run_load

ROOT = Path(__file__).resolve().parent.parent

type Sample = dict[str, float]
type Measure = Callable[["Running"], Awaitable[Sample]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A started host and how load reaches it."""

    host: ProcessHost
    target: Target

    async def load(
        self,
        request: Requests,
        *,
        concurrency: int,
        exchanges: int,
        warm_up: int = 2,
        make: Callable[[], Client] = Client,
    ) -> tuple[Load, float]:
        """Drive load through the host; (what was seen, CPU milliseconds an exchange of the host's processes).

        The time leaves connecting and warming up out; the CPU is taken while only timed exchanges run.
        """
        cpu = [0.0]

        def begin() -> None:
            cpu[0] = procstat.cpu_s(self.host.pids())

        load = await run_load(
            self.target,
            request,
            concurrency=concurrency,
            exchanges=exchanges,
            warm_up=warm_up,
            at_start=begin,
            make=make,
        )
        return load, (procstat.cpu_s(self.host.pids()) - cpu[0]) * 1000 / max(load.exchanges, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What every benchmark is given. `runs` per host and figure; `scale` shortens the longer loads (1 is full)."""

    bench: Bench
    upstream_port: int
    runs: int = 5
    scale: float = 1.0
    suite: bool = False

    def hosts(self, *names: str) -> list[str]:
        """The names, without the suite where it is not measured."""
        return [name for name in names if name != "suite" or self.suite]

    def scaled(self, count: int) -> int:
        """A count of exchanges, shortened for a quick run."""
        return max(int(count * self.scale), 16)

    @contextlib.asynccontextmanager
    async def started(self, names: Sequence[str | ProcessHost]) -> AsyncIterator[list[Running]]:
        """The hosts, all started, to be measured in turns; stopped at the end."""
        running: list[Running] = []
        try:
            for name in names:
                host = HOSTS[name]() if isinstance(name, str) else name
                port = await host.start(self.bench)
                ca_file = host.client_ca(self.bench)
                target = Target(proxy_port=port, upstream_port=self.upstream_port, ca_file=ca_file)
                running.append(Running(host=host, target=target))
            yield running
        finally:
            for one in running:
                await one.host.stop()

    async def medians(self, names: Sequence[str | ProcessHost], measure: Measure) -> dict[str, Sample]:
        """`runs` interleaved samples of each host; the median of each figure, by host name."""
        samples: dict[str, list[Sample]] = {}
        async with self.started(names) as running:
            for _ in range(self.runs):
                for one in running:
                    samples.setdefault(one.host.name, []).append(await measure(one))
        return {name: _median(each) for name, each in samples.items()}


def _median(samples: list[Sample]) -> Sample:
    return {figure: statistics.median(sample[figure] for sample in samples) for figure in samples[0]}


@contextlib.asynccontextmanager
async def open_session(*, runs: int, scale: float, suite: bool) -> AsyncIterator[Session]:
    """Start the upstream and make the shared authority; everything is gone afterwards."""
    _allow_many_files()
    with tempfile.TemporaryDirectory(prefix="midwatch-bench-") as name:
        folder = Path(name)
        upstream = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.upstream", "--folder", name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert upstream.stdout
        assert upstream.stdin
        said = json.loads(await upstream.stdout.readline())
        bench = Bench(folder=folder, upstream_ca=Path(said["ca_file"]), root=ROOT)
        CertStore.from_store(bench.confdir, "mitmproxy", 2048)
        try:
            yield Session(bench=bench, upstream_port=said["port"], runs=runs, scale=scale, suite=suite)
        finally:
            upstream.stdin.close()
            await upstream.wait()


def _allow_many_files() -> None:
    """A thousand tunnels need two descriptors each, here and (inherited) in the proxies."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

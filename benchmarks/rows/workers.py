"""Two workers beside one: what a call costs them in CPU, and so what two cores carry."""

from __future__ import annotations

from benchmarks.hosts import SuiteHost
from benchmarks.load import chat_request
from benchmarks.row import Row, compare, ratio_at_least
from benchmarks.session import Running, Sample, Session
from benchmarks.sim import Sim

_AT_ONCE = 32
_LEAST = 1.7


async def measure(session: Session) -> list[Row]:
    """The load generator and the provider take their share of the same cores, so CPU a call is the measure."""
    if not session.suite:
        return []
    request, exchanges = chat_request(Sim()), session.scaled(1600)

    async def once(running: Running) -> Sample:
        load, cpu_ms = await running.load(request, concurrency=_AT_ONCE, exchanges=exchanges)
        return {"per_second": load.per_second, "cpu_ms": cpu_ms}

    hosts = {count: SuiteHost(f"suite, {count} workers", settings=_settings(count)) for count in (1, 2)}
    seen = await session.medians(list(hosts.values()), once)
    one, two = (seen[host.name] for host in hosts.values())
    carried = {count: 1000 * count / sample["cpu_ms"] for count, sample in zip(hosts, (one, two), strict=True)}
    return [
        compare("CPU a call, one worker", one["cpu_ms"], "ms"),
        compare("CPU a call, two workers", two["cpu_ms"], "ms"),
        ratio_at_least("a core each, counted out: two workers to one", carried[2], "calls/s", carried[1], _LEAST),
        compare("seen, all on the same cores: one worker", one["per_second"], "calls/s"),
        compare("seen, all on the same cores: two workers", two["per_second"], "calls/s"),
    ]


def _settings(workers: int) -> dict[str, str]:
    return {"MIDWATCH_WORKERS": str(workers)}

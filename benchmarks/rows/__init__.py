"""The benchmarks, one file each. A new one is a module with `measure(session) -> list[Row]` and a line here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from benchmarks.row import Row
from benchmarks.rows import (
    alerts,
    anomaly,
    clickhouse,
    command_line,
    console,
    decode,
    eventstream,
    faces,
    governing,
    grpc,
    guard,
    handshakes,
    idle,
    ingest,
    lag,
    latency,
    many_streams,
    meters,
    million,
    models,
    models_absent,
    models_beside,
    patches,
    scan,
    soak,
    sse,
    store,
    tail,
    throughput,
    ttft,
    tunnels,
    websocket,
    workers,
)
from benchmarks.session import Session

BENCHMARKS: dict[str, Callable[[Session], Awaitable[list[Row]]]] = {
    # The proxy alone and with the suite in it.
    "throughput": throughput.measure,
    "latency": latency.measure,
    "ttft": ttft.measure,
    "sse": sse.measure,
    "websocket": websocket.measure,
    "eventstream": eventstream.measure,
    "many-streams": many_streams.measure,
    "handshakes": handshakes.measure,
    "idle": idle.measure,
    "tunnels": tunnels.measure,
    "workers": workers.measure,
    "soak": soak.measure,
    "patches": patches.measure,
    # What lies behind the proxy.
    "decode": decode.measure,
    "lag": lag.measure,
    "ingest": ingest.measure,
    "grpc": grpc.measure,
    "tail": tail.measure,
    "faces": faces.measure,
    "command-line": command_line.measure,
    "store": store.measure,
    "million": million.measure,
    "console": console.measure,
    "clickhouse": clickhouse.measure,
    "meters": meters.measure,
    "governing": governing.measure,
    "alerts": alerts.measure,
    "anomaly": anomaly.measure,
    # What detection costs: a call, and a text without a proxy.
    "guard": guard.measure,
    "scan": scan.measure,
    # Models, where the extra `ml` is installed, and what they cost where it is not.
    "models": models.measure,
    "models-absent": models_absent.measure,
    "models-beside": models_beside.measure,
}

"""`alerts channels`, `alerts dead`, `alerts retry`: the outbox from its file."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import orjson

from midwatch_alerts.commanding.recording import on_record
from midwatch_alerts.deliveries import Counts, Deliveries
from midwatch_alerts.outbox_file import OutboxFile
from midwatch_alerts.settings import Settings
from midwatch_core import DeliveryState, Host

_MOST = 200


async def list_channels(settings: Settings, host: Host, *, as_json: bool) -> int:
    """Print a line a channel. Raises StorageError."""
    async with opened(host) as deliveries:
        counts = {} if deliveries is None else await deliveries.counts()
    rows = [
        {"name": channel.name, "kind": channel.kind, **asdict(counts.get(channel.name, Counts()))}
        for channel in settings.channels
    ]
    if as_json:
        _print_json(rows)
        return 0
    for row in rows:
        said = f"{row['waiting']} waiting, {row['sent']} sent, {row['dead']} given up"
        print(f"{row['name']:<24} {row['kind']:<10} {said}")
    if not rows:
        print("no channels: see `alerts.channels` in docs/alerts.md")
    return 0


async def list_dead(host: Host, *, as_json: bool) -> int:
    """Print the newest dead letters. Raises StorageError."""
    async with opened(host) as deliveries:
        dead = [] if deliveries is None else await deliveries.newest(state=DeliveryState.DEAD, limit=_MOST)
    if as_json:
        _print_json([asdict(one) for one in dead])
        return 0
    for one in dead:
        print(f"{one.id}  {one.made_at:%Y-%m-%d %H:%M}  {one.channel}  {visible(one.title)}: {visible(one.problem)}")
    if not dead:
        print("no dead letters")
    return 0


async def retry(host: Host, delivery_id: str) -> int:
    """Have a dead letter wait again; control looks every few seconds.

    Raises StorageError, and MidwatchError where it can't be put on record.
    """
    async with opened(host) as deliveries:
        waits = deliveries is not None and await _waits_again(deliveries, host, delivery_id)
    print(f"{delivery_id} waits for its channel again" if waits else f"alerts: there is no dead letter {delivery_id!r}")
    return 0 if waits else 1


async def _waits_again(deliveries: Deliveries, host: Host, delivery_id: str) -> bool:
    found = await deliveries.of(delivery_id)
    if found is None or found.state is not DeliveryState.DEAD:
        return False
    await on_record(host, "alert.retry", delivery_id, {"channel": found.channel})
    return await deliveries.retry(delivery_id, host.clock.now().timestamp())


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[Deliveries | None]:
    """The deliveries of a home; None where it never had an outbox. Raises StorageError."""
    file = OutboxFile(host.home, goes_on=False)
    if not file.exists:
        yield None
        return
    try:
        await file.open()
        yield Deliveries(file)
    finally:
        await file.close()


def visible(text: str) -> str:
    """Text of strangers without control characters, so that it can't drive the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _print_json(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        print(orjson.dumps(row).decode())

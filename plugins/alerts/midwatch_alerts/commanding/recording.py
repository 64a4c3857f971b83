"""What a command does to channels goes on record before it is done."""

from collections.abc import Mapping

from midwatch_core import Host


async def on_record(host: Host, action: str, subject: str, details: Mapping[str, str]) -> None:
    """Put it on record, where there is one. Raises MidwatchError."""
    if host.record is not None:
        await host.record(action, subject, details)

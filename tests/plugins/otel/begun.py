"""The plugin started as control starts it."""

from midwatch_core import Host
from midwatch_otel.plugin import Otel


async def begun(otel: Otel, host: Host) -> Otel:
    """The plugin at work; `host` is control's."""
    beginning = otel.startup(host)
    assert beginning is not None
    await beginning
    return otel

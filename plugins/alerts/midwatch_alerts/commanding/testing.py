"""`alerts test CHANNEL`: one message, now, from this process."""

from midwatch_alerts.channels.opening import House, open_channel
from midwatch_alerts.commanding.listing import opened, visible
from midwatch_alerts.commanding.recording import on_record
from midwatch_alerts.making import message_for_test
from midwatch_alerts.settings import Settings
from midwatch_alerts.trying import try_to_send
from midwatch_core import ConfigError, Guard, Host, uuid7


async def send_test(settings: Settings, host: Host, name: str) -> int:
    """Send it; 1 where the channel did not take it. It is kept among the deliveries, where there are any yet.

    Raises ConfigError, StorageError, and MidwatchError where it can't be put on record.
    """
    wanted = next((channel for channel in settings.channels if channel.name == name), None)
    if wanted is None:
        known = ", ".join(channel.name for channel in settings.channels) or "none"
        raise ConfigError(f"alerts: there is no channel {name!r}; there are: {known}")
    await on_record(host, "alert.test", name, {})
    at = host.clock.now()
    message = message_for_test(settings.installation, uuid7(at.timestamp()), at)
    channel = open_channel(wanted, House(version=host.version, settings=host.settings))
    try:
        error = await try_to_send(channel, message, Guard())
    finally:
        await channel.close()
    problem = None if error is None else str(error) or "not sent"
    async with opened(host) as deliveries:
        if deliveries is not None:
            await deliveries.note_test(name, message, problem, host.clock.now().timestamp())
    print(f"{name} took it" if problem is None else f"alerts: {name} did not take it: {visible(problem)}")
    return 0 if problem is None else 1

"""Trying: one message to one channel, once; whatever goes wrong becomes a ChannelError."""

from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_alerts.message import Message
from midwatch_core import Guard

# A channel has ten; then it hangs.
_MOST_S = 20.0
_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)


async def try_to_send(channel: Channel, message: Message, guard: Guard) -> ChannelError | None:
    """What went wrong; None where the channel has it. A channel's own faults are told by their kind."""
    outcome = await guard.wait(f"channel {channel.kind}", _sent, channel, message, deadline_s=_MOST_S)
    if outcome.ok:
        problem: ChannelError | None = outcome.value
        return problem
    if isinstance(outcome.error, TimeoutError):
        return ChannelError(f"no answer within {_MOST_S:.0f} s", unknown=True)
    return ChannelError(f"failed: {type(outcome.error).__name__}", unknown=True)


def reason_of(error: ChannelError) -> str:
    """A word for the metric."""
    if error.refused:
        return "refused"
    if error.wait_s is not None:
        return "busy"
    return "unknown" if error.unknown else "error"


async def _sent(channel: Channel, message: Message) -> ChannelError | None:
    try:
        await channel.send(message)
    except ChannelError as error:
        return error
    except _FAULTS as error:  # a fault of the channel's own: what it says may have an address in it
        return ChannelError(f"failed: {type(error).__name__}", unknown=True)
    return None

"""What every channel is asked: send one message, or say why not."""

from typing import Protocol

from midwatch_alerts.message import Message


class ChannelError(Exception):
    """It was not sent, or it is not known whether it was. The message has no secrets of the channel.

    `wait_s`: the channel asks to be left alone so long. `refused`: it will not take this message, ever. `unknown`:
    it may have been taken, for the connection broke after it was sent.
    """

    def __init__(
        self, problem: str, *, wait_s: float | None = None, refused: bool = False, unknown: bool = False
    ) -> None:
        super().__init__(problem)
        self.wait_s = wait_s
        self.refused = refused
        self.unknown = unknown


class Channel(Protocol):
    """One place where people read. It keeps nothing, tries once, and takes ten seconds at most."""

    @property
    def kind(self) -> str:
        """`slack`, `email`, …"""
        ...

    async def send(self, message: Message) -> None:
        """Send it. Raises ChannelError."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...

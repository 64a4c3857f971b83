"""Telling: calls that no proxy saw become exchanges here. Sans-I/O; its counterpart is control's intake."""

from midwatch_core.telling.sender import Sender
from midwatch_core.telling.teller import Teller

__all__ = ["Sender", "Teller"]

"""Patch `message-check`: no check of every field's type each time a request or response is built.

It is a debugging aid of mitmproxy's (it lives under `__debug__`, so `python -O` has no such check either).
"""

from __future__ import annotations

from mitmproxy.http import MessageData

from midwatch.lean.patch import Guard, Patch, Replacement


def _no_check(self: MessageData) -> None:
    """Stand in for `MessageData.__post_init__`."""


MESSAGE_CHECK = Patch(
    name="message-check",
    changes="MessageData does not check the types of its fields when it is built",
    replacements=(Replacement(owner=MessageData, name="__post_init__", new=_no_check),),
    guards=(Guard(owner=MessageData, name="__post_init__", digest="f65088e210cd9cc1"),),
)

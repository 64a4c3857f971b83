"""What a name leads to, judged where it is resolved: the addresses that are judged are those that are connected to.

mitmproxy gives names to asyncio, which resolves them by its loop's `getaddrinfo` and tries the addresses it gets. A
judge stands there, for the task that makes the connection and no longer: a second look-up, which a hostile name server
could answer differently (DNS rebinding), never happens.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from midwatch.proxy.edges.reach import Address, address_in

type Judge = Callable[[Address], str | None]
"""Why an address is refused; None for one that is not."""

_judge: ContextVar[Judge | None] = ContextVar("midwatch_judge", default=None)


class RefusedAddressError(OSError):
    """A name leads to addresses that are refused, and to no other."""


class JudgedLookup:
    """Stands for a loop's `getaddrinfo`: the same, without the addresses that the task's judge refuses."""

    def __init__(self, stock: Callable[..., Awaitable[list[Any]]]) -> None:
        self._stock = stock

    async def __call__(self, *words: Any, **options: Any) -> list[Any]:
        """Raises RefusedAddressError where nothing is left, and OSError as asyncio's own does."""
        found = await self._stock(*words, **options)
        judge = _judge.get()
        if judge is None or not found:
            return found
        reasons = [_why(judge, item) for item in found]
        kept = [item for item, why in zip(found, reasons, strict=True) if why is None]
        if not kept:
            raise RefusedAddressError(reasons[0])
        return kept


def judge_lookups(judge: Judge | None) -> None:
    """From now on, and in this task alone, names lead only where `judge` lets them; None ends that.

    The running loop is prepared for it at the first time. One that can't be (it has no attributes of its own) is left
    as it is: then only who we were connected to can be judged.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop.getaddrinfo, JudgedLookup):
        with contextlib.suppress(AttributeError):
            loop.getaddrinfo = JudgedLookup(loop.getaddrinfo)  # type: ignore[method-assign]  # of this loop, not of all
    _judge.set(judge)


def current_judge() -> Judge | None:
    """The judge of this task."""
    return _judge.get()


def _why(judge: Judge, found: tuple[Any, ...]) -> str | None:
    address = address_in(str(found[4][0]))
    return None if address is None else judge(address)

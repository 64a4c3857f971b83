"""A child and its parent: it sees the parent's end by a pipe that closes, and tells by another that it is ready."""

import asyncio
import os
from contextlib import suppress


def ends_with_parent(descriptor: int, stopping: asyncio.Event) -> None:
    """Set `stopping` when the other end of the pipe closes, however the parent died."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(descriptor, 1):
            loop.remove_reader(descriptor)
            stopping.set()

    os.set_blocking(descriptor, False)
    loop.add_reader(descriptor, readable)


def tell_ready(descriptor: int | None) -> None:
    """Say that the work has begun (see `child.Child`); a parent that gave no descriptor does not ask."""
    if descriptor is None:
        return
    with suppress(BrokenPipeError):  # the parent is gone: `ends_with_parent` sees to that
        os.write(descriptor, b"1")
    os.close(descriptor)

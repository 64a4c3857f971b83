"""A child that watches its parent: when the pipe from it closes, the parent is gone."""

import asyncio
import os


def ends_with_parent(descriptor: int, stopping: asyncio.Event) -> None:
    """Set `stopping` when the other end of the pipe closes, however the parent died."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(descriptor, 1):
            loop.remove_reader(descriptor)
            stopping.set()

    os.set_blocking(descriptor, False)
    loop.add_reader(descriptor, readable)

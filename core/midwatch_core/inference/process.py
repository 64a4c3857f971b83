"""The process of a model: reads batches from its standard input, and ends with it, so never outlives its owner.

`python -m midwatch_core.inference.process`; started by `inference.loaded`, not by hand. What to load comes as the first
frame. What is printed goes to standard error.
"""

import logging
import os
import queue
import sys
import threading
from contextlib import suppress
from typing import Any

from midwatch_core.children.attached import die_before_others, step_back, take_pipes
from midwatch_core.children.frames import pack, read, write
from midwatch_core.inference.serving import answers, load
from midwatch_core.inference.speech import Order, read_batch

type _Frames = queue.SimpleQueue[tuple[dict[str, Any], bytes]]


def main() -> None:
    """Load the model ordered, then answer batches until the owner hangs up."""
    hear, tell = take_pipes()
    die_before_others()
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s", level=logging.WARNING)
    frames: _Frames = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(hear, frames), name="midwatch-model-owner", daemon=True).start()
    order = Order.read(frames.get()[0])
    sys.path[:] = order.path
    # Half way while it loads, or calls would go on without it for minutes where the machine is busy.
    step_back(order.nice // 2)
    backend = load(order)
    if isinstance(backend, str):
        _tell(tell, {"failed": backend})
        return
    _tell(tell, {"card": backend.card.document()})
    step_back(order.nice)  # which the kernel may have wait a tenth of a second
    while True:
        _tell(tell, answers(backend, read_batch(*frames.get())))


def _listen(hear: int, frames: _Frames) -> None:
    """Read frames as they come; at the end of the pipe end the process, also while the model hangs."""
    with suppress(ValueError, OSError):  # an owner that speaks nonsense is as good as gone
        while (frame := read(hear)) is not None:
            frames.put(frame)
    os._exit(0)


def _tell(tell: int, header: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # the owner is gone: `_listen` sees to that
        write(tell, pack(header))


if __name__ == "__main__":
    main()

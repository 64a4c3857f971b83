"""How much a model's process may take, and how long."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLimits:
    """Bounds of one model's process and of the queue before it.

    `most_waiting` texts may wait, of `most_waiting_characters` together; one text has `longest_characters` at most:
    whoever asks cuts it. A batch has up to `batch_texts` and `batch_characters`; a longer text goes alone. A batch may
    take `hang_s`, loading `load_s`; up to `starved_s` that the process waits for a processor do not count. One that
    holds more than `most_bytes` of resident memory after a batch is replaced, within one at half as much again. `nice`
    is its niceness, so that calls go first; while it loads half as much. A text that waited `late_s` is not asked about
    any more.
    """

    most_waiting: int = 256
    most_waiting_characters: int = 16_000_000
    longest_characters: int = 4_000_000
    batch_texts: int = 16
    batch_characters: int = 8_000
    hang_s: float = 10.0
    load_s: float = 120.0
    starved_s: float = 60.0
    most_bytes: int = 1024 * 1024 * 1024
    nice: int = 19
    late_s: float = 20.0

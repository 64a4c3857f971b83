"""Counting a stream's output as it passes, where its call set no maximum: more is asked for in time, or it is cut."""

import asyncio
from collections.abc import Callable

from midwatch_core.clock import Clock
from midwatch_core.enforcement.streaming import RefusedStream
from midwatch_core.governing.governor import Governor
from midwatch_core.governing.reservation import Reservation, Ruling
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.model.segment import Direction, Part
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.editing.editor import TextFilter

# mitmproxy's flow carries the meter of its answer under this name.
METER = "midwatch_meter"

type MakeFilter = Callable[[str, Part, bool], TextFilter]


class StreamMeter:
    """The meter of one stream: a byte counts as a token, as no tokenizer makes more of them.

    A further slice is asked for when half of the last is used. One that is refused ends the stream when what was
    reserved is used up. While a cache elsewhere thinks about it, the stream goes on. `refused` makes the refusal.
    """

    def __init__(self, governor: Governor, reservation: Reservation, refused: Callable[[Ruling], Refusal]) -> None:
        self._governor = governor
        self._reservation = reservation
        self._refused = refused
        self._used = 0
        self._asking = False
        self._refusing: Ruling | None = None

    def take(self, size: int) -> None:
        """So many bytes of text are about to pass. Raises RefusedStream where they may not."""
        self._used += size
        self._ask_in_time()
        if self._refusing is not None and self._used > self._reservation.output_tokens:
            raise RefusedStream(self._refused(self._refusing))

    def _ask_in_time(self) -> None:
        left = self._reservation.output_tokens - self._used
        size = self._reservation.slice_tokens
        if self._asking or self._refusing is not None or left * 2 > size:
            return
        wanted = size + max(0, -left)
        asked = self._governor.extend(self._reservation, wanted)
        if isinstance(asked, Ruling):
            self._take_ruling(asked, wanted)
            return
        self._asking = True
        asyncio.ensure_future(asked).add_done_callback(lambda done: self._answered(done, wanted))

    def _answered(self, done: asyncio.Future[Ruling], wanted: int) -> None:
        """An answer came from elsewhere; one that failed leaves the stream be, and is not asked for again."""
        if not done.cancelled() and done.exception() is None:
            self._asking = False
            self._take_ruling(done.result(), wanted)

    def _take_ruling(self, ruling: Ruling, wanted: int) -> None:
        if ruling.granted:
            self._reservation.output_tokens += wanted
        else:
            self._refusing = ruling


class MeteredFilter:
    """One text of a stream: counted, then handed to the filter that policy has for it."""

    def __init__(self, meter: StreamMeter, inner: TextFilter) -> None:
        self._meter = meter
        self._inner = inner
        self._seen = 0

    def feed(self, delta: str) -> str:
        """Count what comes."""
        self._count(delta)
        return self._inner.feed(delta)

    def close(self) -> str:
        """What the other filter held."""
        return self._inner.close()

    def whole(self, text: str) -> str:
        """Count what was not there before: mostly the text only repeats its deltas."""
        size = _bytes_in(text)
        if size > self._seen:
            self._meter.take(size - self._seen)
            self._seen = size
        return self._inner.whole(text)

    def _count(self, text: str) -> None:
        size = _bytes_in(text)
        self._seen += size
        self._meter.take(size)


class _Passing:
    """A filter that changes nothing."""

    def feed(self, delta: str) -> str:
        return delta

    def close(self) -> str:
        return ""

    def whole(self, text: str) -> str:
        return text


class Unguarded:
    """What stands for a call's guard where no policy acts on its answer: all passes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def answer_filter(self, path: str, part: Part, json: bool) -> TextFilter:
        """A filter that changes nothing."""
        return _Passing()

    def overdue(self) -> Refusal | None:
        """Nothing is asked about its call that could still end it."""
        return None

    def failed(self, direction: Direction, reason: str) -> Verdict:
        """The stream could not be read: the rest of it passes as it is."""
        return Verdict(action=Action.ALLOW, reason=reason)

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()


def metered(meter: StreamMeter | None, make_filter: MakeFilter) -> MakeFilter:
    """The filters of a stream, counted where it has a meter."""
    if meter is None:
        return make_filter
    return lambda path, part, json: MeteredFilter(meter, make_filter(path, part, json))


def _bytes_in(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))

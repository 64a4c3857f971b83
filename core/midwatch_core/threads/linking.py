"""Finding the exchange that a request goes on from: the chain of what was said, and what the model answered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice

from midwatch_core.threads.history import History, Place, loosely
from midwatch_core.threads.known import Known
from midwatch_core.threads.room import Room

# Places looked at, the newest first, and those where texts are compared loosely, which means reading them.
_MOST_PLACES, _MOST_LOOSE = 2000, 8
# Exchanges that are looked at for one place.
_MOST_CANDIDATES = 64
# An id this long was drawn by chance; `call_1` was not.
_CHANCE_ID = 12
# So much of an answer is no phrase that two conversations share.
_TELLING = 40


class Grade(IntEnum):
    """How sure a link is. The first is enough only where the client names the trace."""

    IN_TRACE = 1  # the answer is there; what stands before it is not what stood before it
    LIKELY = 2  # the call's id, or a long answer after the same history but for the user's last turn
    EXACT = 3  # the earlier request, whole, and its answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The exchange gone on from, and how sure that is. `place` is where its answer stands in the request."""

    known: Known
    grade: Grade
    place: Place


def find_link(history: History, room: Room, *, client: str | None, trace_id: str | None) -> Link | None:
    """The newest exchange whose answer the request repeats: in the trace of `trace_id`, else of the client.

    A short answer after another history (`Done.`) is taken only where nothing else is found.
    """
    doubtful: Link | None = None
    for back, place in enumerate(reversed(history.places[-_MOST_PLACES:])):
        graded = [
            (grade, not known.continued, known.order, known)
            for known in _few(_candidates(place, room, loose=back < _MOST_LOOSE))
            if (known.trace_id == trace_id if trace_id else known.client == client)
            and (grade := _grade(history, place, known, trace_id)) is not None
        ]
        if graded:
            grade, _, _, known = max(graded, key=lambda item: item[:3])
            link = Link(known=known, grade=grade, place=place)
            if grade > Grade.IN_TRACE or known.length >= _TELLING or known.call_ids.intersection(place.results):
                return link
            doubtful = doubtful or link
    return doubtful


def _few(candidates: Iterator[Known]) -> Iterable[Known]:
    """Each once."""
    return {item.id: item for item in islice(candidates, _MOST_CANDIDATES)}.values()


def _candidates(place: Place, room: Room, *, loose: bool) -> Iterator[Known]:
    for call_id in place.results:
        yield from room.find(f"call {call_id}")
    if place.texts:
        yield from room.find(f"text {place.texts[-1].hash}")
    if place.arguments:
        yield from room.find(f"arguments {place.arguments[-1]}")
    if loose and (digest := loosely(place.texts)) is not None:
        yield from room.find(f"loose {digest}")


def _grade(history: History, place: Place, known: Known, trace_id: str | None) -> Grade | None:
    called = not known.call_ids.isdisjoint(place.results)
    if known.call_ids and place.results and not called:
        return None  # the same words, and other calls
    start = _start(place, known)
    if start is None and not called:
        return None
    if history.digests[place.start if start is None else start] == known.said:
        return Grade.EXACT
    if called and any(len(call_id) >= _CHANCE_ID for call_id in known.call_ids.intersection(place.results)):
        return Grade.LIKELY
    if start is not None and known.length >= _TELLING and history.before_turn(start) == known.before_turn:
        return Grade.LIKELY
    return Grade.IN_TRACE if known.trace_id == trace_id else None


def _start(place: Place, known: Known) -> int | None:
    """The unit where the answer begins in a place; None where the place is not this answer."""
    if not known.texts:
        return place.start if not place.texts else None
    last = place.texts[-known.texts :]
    if len(last) == known.texts and hash(tuple(item.hash for item in last)) == known.answer:
        return place.end - known.texts
    same = known.loose is not None and loosely(place.texts) == known.loose
    return place.start if same else None

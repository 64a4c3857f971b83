"""From a text's words to its entities: addresses first, then the names and places that are no piece of one."""

from collections.abc import Iterable, Sequence

from midwatch_pii.ner.addresses import addresses, places
from midwatch_pii.ner.entities import Entity, Kind, Least
from midwatch_pii.ner.names import names
from midwatch_pii.ner.words import Word

_FINDERS = {Kind.ADDRESS: addresses, Kind.PERSON: names, Kind.LOCATION: places}


def entities_of(text: str, words: Sequence[Word], least: Least) -> list[Entity]:
    """The entities of the kinds in `least` that are at least so sure, in order, none overlapping another."""
    kept: list[Entity] = []
    for kind, find in _FINDERS.items():
        if kind in least:
            kept = sorted([*kept, *_apart(find(text, words, least[kind]), kept)], key=lambda one: one.start)
    return kept


def _apart(found: Iterable[Entity], kept: Sequence[Entity]) -> list[Entity]:
    """Those that overlap none of `kept`; both are in order."""
    apart: list[Entity] = []
    at = 0
    for one in found:
        while at < len(kept) and kept[at].end <= one.start:
            at += 1
        if at == len(kept) or kept[at].start >= one.end:
            apart.append(one)
    return apart

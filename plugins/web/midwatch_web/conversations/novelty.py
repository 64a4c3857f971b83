"""What is new in a call's request: clients send the whole talk again with every turn."""

from collections.abc import Iterator
from itertools import takewhile

from midwatch_core import Exchange, Part, Segment

# What the model said itself: sent again, it is the answer of an earlier turn.
_THE_MODELS = frozenset({Part.ASSISTANT, Part.REASONING, Part.TOOL_CALL})
# So many texts are shown whole where nothing is known of what was said before.
_FEW = 20

type _Key = tuple[Part, str]


def new_places(exchange: Exchange, parent: Exchange | None) -> list[int]:
    """The numbers of the request's texts that were not said before, in their order; definitions of tools are none.

    New is what follows the parent's talk and its answer, and what is nowhere in them: a changed instruction, a history
    that was edited or told in short. Without a parent all is new; of much only instructions, and what follows the
    model's last word.
    """
    own = list(_said(exchange))
    keys = [_key(segment) for _, segment in own]
    spoken = max((at + 1 for at, key in enumerate(keys) if key[0] in _THE_MODELS), default=0)
    if parent is None:
        start = 0 if len(own) <= _FEW else min(spoken, len(own) - 1)
        return [number for at, (number, _) in enumerate(own) if at >= start or keys[at][0] is Part.SYSTEM]
    theirs = [_key(segment) for _, segment in _said(parent)]
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(keys, theirs, strict=False)))
    answered = alike + sum(1 for _ in takewhile(lambda key: key[0] in _THE_MODELS, keys[alike:]))
    known = {*theirs, *(_key(segment) for segment in (parent.response.segments if parent.response else ()))}
    return [
        number
        for at, (number, _) in enumerate(own)
        if at >= max(answered, spoken) or (keys[at] not in known and not alike <= at < answered)
    ]


def told_places(exchange: Exchange) -> int:
    """How many texts the request has, definitions of tools apart."""
    return sum(1 for _ in _said(exchange))


def _said(exchange: Exchange) -> Iterator[tuple[int, Segment]]:
    segments = exchange.request.segments
    return ((at, segment) for at, segment in enumerate(segments) if segment.part is not Part.TOOL_DEFINITION)


def _key(segment: Segment) -> _Key:
    return segment.part, segment.hash or segment.text

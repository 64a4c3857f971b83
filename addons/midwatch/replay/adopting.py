"""Exchanges of another installation made this one's: their texts hashed with its key, and under whom they are kept.

What was decoded stays as it was recorded: ids and moments, findings, a known cost, the place in the conversation. The
hashes can't stay: they are the other installation's, and a store goes by them.
"""

from midwatch.replay.whose import Whose
from midwatch_core.model.changing import changed
from midwatch_core.model.content import Json, Request, Response
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Segment
from midwatch_core.sealing import Sealer, Sealers

# Skeletons are no deeper.
_DEPTH = 80


def adopted(exchange: Exchange, whose: Whose, sealers: Sealers) -> Exchange:
    """The exchange as it is journalled here. Nobody here has inspected it yet, nor priced it where it has no price."""
    identity = whose.over(exchange.identity)
    sealer = sealers.of(identity.tenant)
    priced = exchange.cost is not None and exchange.cost.amount is not None
    return changed(
        exchange,
        identity=identity,
        request=_sealed(exchange.request, sealer),
        response=None if exchange.response is None else _sealed(exchange.response, sealer),
        inspected=(),
        classified=(),
        cost=exchange.cost if priced else None,
    )


def _sealed[Side: (Request, Response)](side: Side, sealer: Sealer) -> Side:
    segments = sealer.segments(Segment(part=item.part, path=item.path, text=item.text) for item in side.segments)
    names = {item.hash: fresh.hash for item, fresh in zip(side.segments, segments, strict=True)}
    return changed(side, segments=segments, body=_renamed(side.body, names, 0))


def _renamed(value: Json, names: dict[str, str], depth: int) -> Json:
    """A skeleton with the texts' new hashes; a hash that is none of its own texts' says nothing here."""
    if depth > _DEPTH:
        return None
    if isinstance(value, dict):
        name = value.get("$text")
        if len(value) == 1 and isinstance(name, str):
            return {"$text": names[name]} if name in names else {"$omitted": 0}
        return {key: _renamed(item, names, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names, depth + 1) for item in value]
    return value

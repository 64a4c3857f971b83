"""The settings of a request: what stands at its top beside the texts."""

from collections.abc import Set as AbstractSet

from midwatch_core.model.content import Json
from midwatch_core.wire.credentials import without_credential, without_credentials
from midwatch_core.wire.jsontext import compact
from midwatch_core.wire.node import Node

# Larger ones are schemas and the like: they are in the skeleton, and no setting to sort or filter by.
_MAX_CHARACTERS = 2048
# Deeper ones could not be journalled.
_MAX_DEPTH = 64


def parameters(body: Node, *, beside: AbstractSet[str]) -> dict[str, Json]:
    """The small members of `body` but for those named in `beside`, under the dialect's own names."""
    return {
        key: without_credentials(without_credential(key, member.value))
        for key, member in body.members()
        if key not in beside and _is_small(member.value)
    }


def _is_small(value: Json) -> bool:
    """Only what may be long is written out to be measured."""
    if value is None or type(value) in (bool, float):
        return True
    return len(compact(value)) <= _MAX_CHARACTERS and _is_shallow(value, _MAX_DEPTH)


def _is_shallow(value: Json, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in items)

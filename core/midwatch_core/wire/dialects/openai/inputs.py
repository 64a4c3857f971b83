"""Prompts and embedding inputs: a string, several, or token ids."""

from collections.abc import Iterator

from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialects.openai.messages import read_content
from midwatch_core.wire.node import Node


def read_inputs(inputs: Node, part: Part) -> Iterator[Segment]:
    """The texts of `inputs`. Token ids are none; some vendors take parts (`{"type": "text", "text": …}`) too."""
    if not inputs.is_list:
        yield from read_content(inputs, part)
        return
    for item in inputs:
        if item.is_str or item.is_dict:
            yield from read_content(item, part)
        elif not _is_tokens(item):
            item.wrong("a string or token ids")


def _is_tokens(item: Node) -> bool:
    """A token id, or a list of them: looked at by its first alone, lists are long."""
    value = item.value[0] if isinstance(item.value, list) and item.value else item.value
    return value is None or value == [] or type(value) is int

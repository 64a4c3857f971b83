"""Restoring an answer that was sent in one piece: an edit for each string that holds a placeholder."""

from collections.abc import Iterator, Mapping

from midwatch_core.body_edits import Edit, Replacement
from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part, Segment
from midwatch_core.restoring import restored
from midwatch_core.wire.decoding import DecodedResponse


def restoring_edits(decoded: DecodedResponse, values: Mapping[str, str], hosts: frozenset[str]) -> list[Edit]:
    """The edits that put `values` back, where that is safe. A segment that is an object is edited string by string."""
    return [edit for segment in decoded.response.segments for edit in _edits(segment, decoded.document, values, hosts)]


def _edits(segment: Segment, document: Json, values: Mapping[str, str], hosts: frozenset[str]) -> Iterator[Edit]:
    # Arguments that are an object are restored, or not, as a whole: a host in one string speaks for all of them.
    place = _at(document, segment.path)
    is_json = segment.part is Part.TOOL_CALL
    whole = restored(segment.text, values, hosts=hosts, json=is_json)
    if whole == segment.text:
        return
    if isinstance(place, str):
        yield _edit(segment.path, segment.text, whole)
        return
    for path, text in _strings(place, segment.path):
        new = restored(text, values, hosts=hosts)
        if new != text:
            yield _edit(path, text, new)


def _edit(path: str, text: str, new: str) -> Edit:
    return Edit(path=path, text=text, replacements=(Replacement(start=0, end=len(text), text=new),))


def _at(document: Json, path: str) -> Json:
    """The value at a JSON Pointer, None where there is none."""
    value = document
    for key in path.split("/")[1:]:
        name = key.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _strings(value: Json, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, f"{path}/{index}")

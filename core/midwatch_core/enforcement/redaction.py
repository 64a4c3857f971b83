"""Redacting a JSON body by policy: edits as far as they are safe, and what could not be hidden."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import orjson

from midwatch_core.body_edits import Edit, Replacement, UnsafeEditError, edit_body
from midwatch_core.masking import SHORTEST_ECHO
from midwatch_core.model.content import Json

# What repeats a value beside the texts is short: a user's name in a parameter, metadata. Longer strings are images.
_LONGEST_ECHO = 4096
_MOST_ECHOES = 1000


def redacted(body: bytes, edits: Sequence[Edit]) -> tuple[bytes, list[str]]:
    """The body with all edits that can be made safely, and why the others could not."""
    try:
        return edit_body(body, edits), []
    except UnsafeEditError as error:
        if len(edits) == 1:
            return body, [str(error)]
    problems: list[str] = []
    safe: list[Edit] = []
    for edit in edits:
        try:
            edit_body(body, [edit])
        except UnsafeEditError as error:
            problems.append(str(error))
        else:
            safe.append(edit)
    try:
        return edit_body(body, safe), problems
    except UnsafeEditError as error:
        return body, [*problems, str(error)]


def echoes(body: bytes, edits: Iterable[Edit]) -> list[Edit]:
    """Edits for strings beside the edited texts that repeat what is hidden there, such as `user` or metadata."""
    edits = list(edits)
    names = {edit.text[item.start : item.end]: item.text for edit in edits for item in edit.replacements}
    names = {value: name for value, name in names.items() if len(value) >= SHORTEST_ECHO}
    if not names:
        return []
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    taken = {edit.path for edit in edits}
    found = (_echo(path, text, names) for path, text in _strings(document, "", taken))
    return [edit for edit in found if edit is not None][:_MOST_ECHOES]


def _strings(value: Json, path: str, taken: set[str]) -> Iterator[tuple[str, str]]:
    """The short strings of a document that stand in no edited text. The reader's depth is bounded by orjson's."""
    if path in taken:
        return
    if isinstance(value, str):
        if len(value) <= _LONGEST_ECHO:
            yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, f"{path}/{key.replace('~', '~0').replace('/', '~1')}", taken)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, f"{path}/{index}", taken)


def _echo(path: str, text: str, names: Mapping[str, str]) -> Edit | None:
    made: list[Replacement] = []
    for value, name in names.items():
        at = text.find(value)
        while at >= 0:
            if not any(at < item.end and item.start < at + len(value) for item in made):
                made.append(Replacement(start=at, end=at + len(value), text=name))
            at = text.find(value, at + len(value))
    return Edit(path=path, text=text, replacements=tuple(made)) if made else None

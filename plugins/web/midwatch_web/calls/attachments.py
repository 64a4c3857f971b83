"""What a body carried beside its texts (pictures, sound, files), as far as its skeleton tells: kind, type, size.

The shapes are those of OpenAI (https://platform.openai.com/docs/guides/images-vision), Anthropic
(https://platform.claude.com/docs/en/build-with-claude/vision), Gemini (https://ai.google.dev/api/caching#Part),
Bedrock's Converse (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html) and Ollama.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from midwatch_core import Json

_MOST, _MOST_VALUES, _DEPTH, _LONGEST_KEY = 50, 20_000, 48, 100
_NO_CONTENT = ("tools", "input", "arguments", "args")
_KINDS = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    "document": "file",
    "file": "file",
    "input_file": "file",
    "inlineData": "file",
    "inline_data": "file",
    "fileData": "file",
    "file_data": "file",
}
_TYPES = ("media_type", "mimeType", "mime_type", "format")
_NAMES = ("filename", "title", "name")
_DATA = ("data", "bytes", "file_data", "url", "image_url")
_ADDRESSES = ("url", "image_url", "file_url", "fileUri", "file_uri", "file_id", "uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One of them. `path` is its JSON Pointer, `size_bytes` what its base64 stands for, None where that is not known.

    `address` is where it was to be had, for one that was not sent along.
    """

    kind: str
    path: str
    media_type: str | None = None
    name: str | None = None
    size_bytes: int | None = None
    address: str | None = None


def attachments_of(body: Json) -> tuple[Attachment, ...]:
    """The attachments of a body's skeleton, in their order; of very many the first."""
    found: list[Attachment] = []
    waiting: list[tuple[str, Json, int]] = [("", body, 0)]
    for _ in range(_MOST_VALUES):
        if not waiting or len(found) == _MOST:
            break
        path, value, depth = waiting.pop()
        if isinstance(value, dict) and (attachment := _attachment(path, value)):
            found.append(attachment)
        elif depth < _DEPTH:
            below = islice(_members(value), _MOST_VALUES)
            waiting += [(f"{path}/{_step(key)}", item, depth + 1) for key, item in reversed(list(below))]
    return tuple(found)


def _members(value: Json) -> Iterator[tuple[str, Json]]:
    """The objects and lists in a value."""
    members: Iterable[tuple[str, Json]] = ()
    if isinstance(value, dict):
        # A tool's arguments and its schema may have members of such names; nothing is attached there.
        members = ((key, item) for key, item in value.items() if key not in _NO_CONTENT or _is_talk(key, item))
    elif isinstance(value, list):
        members = ((str(index), item) for index, item in enumerate(value))
    return ((key, item) for key, item in members if isinstance(item, dict | list) and not _is_text(item))


def _is_text(value: dict[str, Json] | list[Json]) -> bool:
    """Whether it is the place of a text: most places of a long talk are."""
    return len(value) == 1 and "$text" in value


def _is_talk(key: str, value: Json) -> bool:
    """OpenAI's Responses have their messages where Anthropic's calls have their arguments."""
    return key == "input" and isinstance(value, list)


def _step(key: str) -> str:
    """A key in a JSON Pointer; a very long one is cut, for it stands in the path of all that is below it."""
    return key[:_LONGEST_KEY].replace("~", "~0").replace("/", "~1")


def _attachment(path: str, value: dict[str, Json]) -> Attachment | None:
    kind = value.get("type")
    if isinstance(kind, str) and kind in _KINDS:
        return _made(path, _KINDS[kind], list(_around(value)))
    for key in () if _KINDS.keys().isdisjoint(value) else _KINDS:
        if isinstance(inner := value.get(key), dict) and ("source" in inner or _first(inner, _TYPES)):
            return _made(path, _KINDS[key], list(_around(inner)))
    if isinstance(value.get("$omitted"), int) and path[-1:].isdecimal() and "/images/" in path:
        return Attachment(kind="image", path=path, size_bytes=_size(value))
    return None


def _around(value: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """An attachment's own members, and those of what its data is in."""
    yield value
    for key in ("source", "image_url", "input_audio", "file", "image", "audio"):
        if isinstance(inner := value.get(key), dict) and "$omitted" not in inner:
            yield inner


def _made(path: str, kind: str, members: list[dict[str, Json]]) -> Attachment | None:
    media_type = next(filter(None, (_first(item, _TYPES) for item in members)), None)
    sizes = (_size(item.get(key)) for item in members for key in _DATA)
    size = next((size for size in sizes if size is not None), None)
    address = next(filter(None, (_first(item, _ADDRESSES) for item in members)), None)
    if any(item.get("type") == "text" or "$text" in item for item in members[1:]):
        return None  # a document of plain text: that is among the texts
    if kind == "file" and media_type and media_type.split("/")[0] in ("image", "audio", "video"):
        kind = media_type.split("/")[0]
    return Attachment(
        kind=kind,
        path=path,
        media_type=media_type,
        name=next(filter(None, (_first(item, _NAMES) for item in members)), None),
        size_bytes=size,
        address=address if size is None else None,
    )


def _first(members: dict[str, Json], keys: tuple[str, ...]) -> str | None:
    return next((value for key in keys if isinstance(value := members.get(key), str) and value), None)


def _size(value: Json) -> int | None:
    """Bytes of base64 that was left out."""
    omitted = value.get("$omitted") if isinstance(value, dict) else None
    return omitted * 3 // 4 if isinstance(omitted, int) else None

"""What a body's skeleton tells about a text beside it: the name and id of the tool that was called, or answered."""

from collections.abc import Iterator

from midwatch_core import Json

# The members that name a call, by dialect: OpenAI Responses, OpenAI Chat, Anthropic, and the plain one last.
_CALL_IDS = ("call_id", "id")
_RESULT_IDS = ("tool_call_id", "tool_use_id", "call_id")
_NAMES = ("tool_name", "name")
# A call's name and id are in the objects right around its arguments, never further out.
_CALL_DEPTH = 3


def tool_call_at(body: Json, path: str) -> tuple[str | None, str | None]:
    """Name and id of the call whose arguments are at `path` (JSON Pointer)."""
    around = [item for item in list(around_of(body, path))[:_CALL_DEPTH] if isinstance(item, dict)]
    return _first(around, _NAMES), _first(around, _CALL_IDS)


def tool_result_at(body: Json, path: str) -> tuple[str | None, str | None]:
    """Name and call id of the result that holds the text at `path`."""
    around = [item for item in list(around_of(body, path))[:-1] if isinstance(item, dict)]  # not the body itself
    return _first(around, _NAMES), _first(around, _RESULT_IDS)


def around_of(body: Json, path: str) -> Iterator[Json]:
    """The values around the place that `path` points to, the nearest first; as far as the skeleton goes."""
    found: list[Json] = []
    value = body
    for step in path.split("/")[1:]:
        found.append(value)
        value = _member(value, step.replace("~1", "/").replace("~0", "~"))
    return reversed(found)


def _member(value: Json, step: str) -> Json:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


def _first(around: list[dict[str, Json]], keys: tuple[str, ...]) -> str | None:
    for item in around:
        for key in keys:
            if isinstance(value := item.get(key), str):
                return value
    return None

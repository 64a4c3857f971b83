"""Messages in the shapes of all conventions, as plain texts: parts, contents, tool calls, whatever a message is.

OpenTelemetry's shape: https://github.com/open-telemetry/semantic-conventions/blob/v1.41.0/docs/gen-ai/gen-ai-input-messages.json
OpenInference's and OpenLLMetry's stand on the chat messages of OpenAI. Nothing here raises: what is of no known shape
is left out, or kept as its JSON.
"""

from collections.abc import Iterator, Mapping

from midwatch_core import Json, Part, PlainText
from midwatch_otel.ingest.loose_json import opened, written

type Fields = Mapping[str, Json]

_ROLES: Mapping[str, Part] = {
    "system": Part.SYSTEM,
    "developer": Part.SYSTEM,
    "user": Part.USER,
    "human": Part.USER,
    "assistant": Part.ASSISTANT,
    "model": Part.ASSISTANT,
    "ai": Part.ASSISTANT,
    "tool": Part.TOOL_RESULT,
    "function": Part.TOOL_RESULT,
}
_REASONING = frozenset({"reasoning", "thinking"})
_TOOL_CALLS = frozenset({"tool_call", "tool_use", "function_call", "server_tool_call"})
_TOOL_RESULTS = frozenset({"tool_call_response", "tool_result", "function_call_output", "server_tool_call_response"})
# What is no text: images, sound, files.
_NO_TEXT = frozenset({"blob", "file", "uri", "image", "image_url", "input_image", "audio", "input_audio"})
_ARGUMENTS = ("arguments", "input", "server_tool_call", "args")
_RESULTS = ("response", "result", "content", "output", "server_tool_call_response")
_IDS = ("id", "call_id", "tool_call_id", "tool_use_id")


def texts_of(messages: Json, default: Part) -> Iterator[PlainText]:
    """The texts of a list of messages (or of one, or of the JSON that is one), in their order.

    `default` is the part of a message that names no role.
    """
    messages = opened(messages)
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, dict):
            yield from _message(_inner(message, "message", "embedding", "prompt", "completion"), default)
        elif isinstance(message, str) and message:
            yield PlainText(part=default, text=message)


def finish_reason_in(messages: Json) -> str | None:
    """The reason that the first message with one gives for its end."""
    messages = opened(messages)
    for message in messages if isinstance(messages, list) else []:
        reason = message.get("finish_reason") if isinstance(message, dict) else None
        if isinstance(reason, str) and reason:
            return reason
    return None


def tool_names_in(definitions: Json) -> tuple[str, ...]:
    """The names of tools that are defined: flat, under `function`, or in OpenInference's `tool.json_schema`."""
    definitions = opened(definitions)
    names = []
    for item in definitions if isinstance(definitions, list) else []:
        fields = _inner(item, "tool") if isinstance(item, dict) else {}
        schema = opened(fields.get("json_schema"))
        fields = schema if isinstance(schema, dict) else fields
        if name := _text(_inner(fields, "function"), "name"):
            names.append(name)
    return tuple(names)


def _message(message: Fields, default: Part) -> Iterator[PlainText]:
    part = _ROLES.get((_text(message, "role") or "").lower(), default)
    if "type" in message and "role" not in message:  # a part that stands alone, as in system instructions
        yield from _piece(message, part, message)
        return
    if reasoning := _text(message, "reasoning", "reasoning_content"):
        yield PlainText(part=Part.REASONING, text=reasoning)
    for key in ("parts", "contents", "content", "text"):
        yield from _content(message.get(key), part, message)
    for call in _listed(message.get("tool_calls")):
        if isinstance(call, dict):
            yield from _tool_call(_inner(call, "tool_call"))
    for legacy in (message.get("function_call"), _flat_call(message)):
        if isinstance(legacy, dict):
            yield from _tool_call(legacy)


def _content(content: Json, part: Part, message: Fields) -> Iterator[PlainText]:
    """A message's content: a text, parts, or the JSON of parts as a text."""
    inside = opened(content)
    if isinstance(inside, list) and inside and all(_is_piece(item) for item in inside):
        for piece in inside:
            if isinstance(piece, dict):
                yield from _piece(_inner(piece, "message_content"), part, message)
            elif isinstance(piece, str):
                yield from _plain(piece, part, message)
    elif content is not None:
        yield from _plain(written(content), part, message)


def _piece(piece: Fields, part: Part, message: Fields) -> Iterator[PlainText]:
    kind = (_text(piece, "type") or "").lower()
    if kind in _TOOL_CALLS:
        call = _inner(piece, "tool_call")
        yield from _tool_call(call)
    elif kind in _TOOL_RESULTS:
        yield from _plain(written(_first(piece, _RESULTS)), Part.TOOL_RESULT, {**message, **piece})
    elif kind in _REASONING:
        yield from _plain(written(_first(piece, ("content", "text", "thinking"))), Part.REASONING, message)
    elif kind not in _NO_TEXT:
        yield from _plain(written(_first(piece, ("content", "text"))), part, message)


def _plain(text: str, part: Part, message: Fields) -> Iterator[PlainText]:
    if not text:
        return
    if part is Part.TOOL_RESULT:
        call_id = _text(message, "tool_call_id", "tool_use_id", "call_id", "id")
        yield PlainText(part=part, text=text, name=_text(message, "name"), call_id=call_id)
    else:
        yield PlainText(part=part, text=text)


def _tool_call(call: Fields) -> Iterator[PlainText]:
    function = _inner(call, "function")
    arguments = written(_first(function, _ARGUMENTS)) or "{}"
    name = _text(function, "name") or _text(call, "name")
    if name is not None or arguments != "{}":
        yield PlainText(part=Part.TOOL_CALL, text=arguments, name=name, call_id=_text(call, *_IDS))


def _flat_call(message: Fields) -> Fields | None:
    """OpenInference's words for OpenAI's legacy function call."""
    name = message.get("function_call_name")
    return {"name": name, "arguments": message.get("function_call_arguments_json")} if name else None


def _is_piece(item: Json) -> bool:
    """A part of a message, and not a value of somebody's JSON that a user sent as a text."""
    return isinstance(item, dict) and ("type" in item or "message_content" in item)


def _inner(fields: Fields, *names: str) -> Fields:
    """What stands under one of these names, where something does; else the fields themselves."""
    for name in names:
        inside = opened(fields.get(name))
        if isinstance(inside, dict):
            return inside
    return fields


def _listed(value: Json) -> list[Json]:
    inside = opened(value)
    return inside if isinstance(inside, list) else []


def _first(fields: Fields, names: tuple[str, ...]) -> Json:
    return next((value for name in names if (value := fields.get(name)) is not None), None)


def _text(fields: Fields, *names: str) -> str | None:
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), None)

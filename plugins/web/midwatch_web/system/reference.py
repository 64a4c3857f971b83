"""The OpenAPI document as a page shows it: operations by room, each with what it takes and answers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from midwatch_web.serving.openapi import operations_of

_LONGEST = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter: where it stands, what kind it is, what it is for."""

    name: str
    place: str
    kind: str
    required: bool
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation of the API. `body` and `answer` are examples, empty where there is none."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    deprecated: bool
    parameters: tuple[Parameter, ...]
    body: str
    answer: str
    errors: tuple[tuple[str, str], ...]


def rooms_of(document: Mapping[str, Any]) -> list[tuple[str, list[Operation]]]:
    """Operations under the names of their rooms, both in the order of the alphabet."""
    found = sorted(operations_of(document), key=lambda item: (_room(item[2]), item[0], item[1]))
    return [
        (room, [_operation(path, method, operation, document) for path, method, operation in members])
        for room, members in groupby(found, key=lambda item: _room(item[2]))
    ]


def _room(operation: Mapping[str, Any]) -> str:
    return str(next(iter(operation.get("tags", ())), "other"))


def _operation(path: str, method: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> Operation:
    responses = operation["responses"]
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        deprecated=bool(operation.get("deprecated")),
        parameters=tuple(map(_parameter, operation.get("parameters", ()))),
        body=_example(operation.get("requestBody", {}), document),
        answer=_example(responses[min(responses)], document),
        errors=tuple((status, item["description"]) for status, item in sorted(responses.items()) if status >= "400"),
    )


def _parameter(parameter: Mapping[str, Any]) -> Parameter:
    schema = parameter.get("schema", {})
    return Parameter(
        name=parameter["name"],
        place=parameter["in"],
        kind=" or ".join(_kinds(schema)) or "text",
        required=bool(parameter.get("required")),
        says=parameter.get("description", ""),
    )


def _kinds(schema: Mapping[str, Any]) -> Iterator[str]:
    for choice in schema.get("anyOf", (schema,)):
        if "enum" in choice:
            yield ", ".join(map(str, choice["enum"]))
        elif choice.get("type") not in (None, "null"):
            yield str(choice.get("format", choice["type"]))


def _example(message: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The first example of a body or an answer, laid out."""
    for media in message.get("content", {}).values():
        value = _first(media, document)
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
            return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n…"
    return ""


def _first(media: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    if "example" in media:
        return media["example"]
    for example in media.get("examples", {}).values():
        return example["value"]
    return _of_schema(media.get("schema", {}), document)


def _of_schema(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """The example of a schema: its own, or those of its properties that have one."""
    if name := schema.get("$ref", "").rpartition("/")[2]:
        schema = document["components"]["schemas"][name]
    if schema.get("examples"):
        return schema["examples"][0]
    shown = {key: item["examples"][0] for key, item in schema.get("properties", {}).items() if item.get("examples")}
    return shown or None

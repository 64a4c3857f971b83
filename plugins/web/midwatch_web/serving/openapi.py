"""The OpenAPI document: FastAPI's, with what every operation shares: security, errors, stable ids, examples.

https://spec.openapis.org/oas/v3.1.0; errors are problem+json (RFC 9457).
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

_PROBLEM = "application/problem+json"
_ERRORS = {
    "400": "What was asked can't be: a cursor, a key to group by",
    "401": "No key, or none that is valid",
    "403": "The key's role or tenant does not allow it",
    "404": "There is no such thing in the key's tenants",
    "408": "The body came too slowly",
    "409": "It can't be done as things stand; `detail` says why",
    "413": "The body is too long",
    "415": "The body is not JSON",
    "422": "What was sent is not valid; `detail` names the first thing that is wrong",
    "503": "The store can't be reached at the moment, or this process has no such service",
}
_ALWAYS = ("400", "401", "403", "422", "503")
_DETAILS = {
    "401": "A key is needed: Authorization: Bearer mw_…",
    "404": "There is no such exchange.",
    "422": "limit: Input should be less than or equal to 1000",
}
_SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `Authorization: Bearer mw_…`"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Midwatch-Key", "description": "The same key"},
    "session": {"type": "apiKey", "in": "cookie", "name": "midwatch_session", "description": "A browser's session"},
}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457). There may be further members.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_METHODS = ("get", "post", "put", "patch", "delete")
# What FastAPI documents for a request that is not valid, and we answer otherwise.
_FOREIGN = ("HTTPValidationError", "ValidationError")


def room_of(router: APIRouter) -> str:
    """The room that a router is of: its package's name."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            return str(route.endpoint.__module__.split(".")[1])
        if isinstance(inner := getattr(route, "original_router", None), APIRouter):
            return room_of(inner)
    return "other"


def document_openapi(app: FastAPI) -> None:
    """Have the application give the full document, made when it is asked for first."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
            app.openapi_schema = _completed(document)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


_ABOUT = (
    "Everything that Midwatch knows, within the tenants of the key. Where the console asks for no key, none is needed. "
    "Lists are pages: `cursor` is that of the next. What is deprecated answers as the predecessor did."
)


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    for path, method, operation in operations_of(document):
        _complete(path, method, operation)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FOREIGN:
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM_SCHEMA
    components["securitySchemes"] = _SCHEMES
    document["security"] = [{name: []} for name in _SCHEMES]
    return document


def operations_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and what is said of it, of every operation of a document."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    operation["operationId"] = operation_id(method, path)
    operation["tags"] = operation.get("tags", [])[-1:]  # its router's own, else its room
    operation["summary"] = _first_sentence(operation.get("description") or operation.get("summary", ""))
    responses = operation.setdefault("responses", {})
    said = [status for status in responses if status in _ERRORS]
    for status in dict.fromkeys((*_statuses(path, method), *said)):
        responses[status] = _error(status, responses.get(status, {}).get("description"))
    shown = examples().get(f"{method.upper()} {path}")
    if shown is not None:
        _show(responses, shown)


def operation_id(method: str, path: str) -> str:
    """A stable id, such as `get_exchanges_exchange_id`: by method and path alone."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", path.removeprefix("/api/v1")).strip("_")
    return f"{method}_{words}"


def _first_sentence(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line.partition(": ")[0].partition(". ")[0].rstrip(".:")


def _statuses(path: str, method: str) -> Iterator[str]:
    yield from _ALWAYS
    if "{" in path:
        yield "404"
    if method != "get":
        yield from ("404", "408", "409", "413", "415")


def _error(status: str, said: str | None) -> dict[str, Any]:
    known = said if said and said not in ("Validation Error", "Successful Response") else _ERRORS[status]
    problem = {
        "type": "about:blank",
        "title": _TITLES[status],
        "status": int(status),
        "detail": _DETAILS.get(status, _ERRORS[status]),
    }
    content = {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": problem}}
    return {"description": known, "content": content}


_TITLES = {
    "400": "Bad Request",
    "401": "Unauthorized",
    "403": "Forbidden",
    "404": "Not Found",
    "408": "Request Timeout",
    "409": "Conflict",
    "413": "Content Too Large",
    "415": "Unsupported Media Type",
    "422": "Unprocessable Content",
    "503": "Service Unavailable",
}


def _show(responses: dict[str, Any], shown: Any) -> None:
    """Put an example into the answer that tells of success. A text is of another kind than JSON: it says which."""
    status = min(responses)
    kind, example = (shown["media_type"], shown["text"]) if "media_type" in shown else ("application/json", shown)
    described = responses[status].setdefault("content", {})
    kept = described.pop("application/json", {}) if kind != "application/json" else described.get(kind, {})
    described[kind] = {**(kept if kind == "application/json" else {}), "example": example}


@cache
def examples() -> Mapping[str, Any]:
    """An example of the answer of each operation, by method and path."""
    found: Mapping[str, Any] = json.loads((files("midwatch_web") / "serving" / "examples.json").read_text("utf-8"))
    return found

"""Answers to what went wrong: problem+json (RFC 9457) for programs, a page for people."""

from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from midwatch_core import StorageUnavailableError
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.askers import is_program
from midwatch_web.serving.methods import allowed
from midwatch_web.serving.templating import page

# What a person is told where nobody said more than the status' own name.
_PLAINLY = {404: "There is nothing at this address.", 405: "This address is not for that."}


async def on_storage_error(request: Request, error: Exception) -> Response:
    """503 where the store can't be reached now, 400 where it refused what was asked (a cursor, a key)."""
    if isinstance(error, StorageUnavailableError):
        return failure(request, 503, "The store can't be reached at the moment. Nothing is lost: the journal keeps it.")
    return failure(request, 400, str(error))


async def on_denied(request: Request, error: Exception) -> Response:
    """403: the caller's role or tenant does not allow it."""
    return failure(request, 403, str(error))


async def on_refused(request: Request, error: Exception) -> Response:
    """409: what was asked of tenants, keys or policies can't be done as things stand."""
    return failure(request, 409, str(error))


async def on_invalid(request: Request, error: Exception) -> Response:
    """422 with the first parameter that is wrong."""
    detail = "The request is not valid."
    if isinstance(error, RequestValidationError) and (problems := error.errors()):
        place = ".".join(str(part) for part in problems[0]["loc"][1:])
        detail = f"{place}: {problems[0]['msg']}"
    return failure(request, 422, detail)


async def on_http_error(request: Request, error: Exception) -> Response:
    """What a handler, or the router, refused."""
    if not isinstance(error, HTTPException):
        raise error
    response = failure(request, error.status_code, error.detail)
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = allowed(request.app.routes, request.url.path)
    return response


def failure(request: Request, status: int, detail: str) -> Response:
    """An error in the shape that suits the asker."""
    title = HTTPStatus(status).phrase
    if is_program(request.url.path, request.headers.get("accept", "")):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        answer = json_answer(problem, status)  # what was asked may be named in it, whatever its characters
        answer.headers["content-type"] = "application/problem+json"
        return answer
    said = _PLAINLY.get(status, "") if detail == title else detail
    return page(request, "serving/failure.html", status=status, title=title, detail=said, code=status)

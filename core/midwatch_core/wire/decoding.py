"""Reading whole bodies with a dialect: bytes in, Request or Response out, whatever the bytes are."""

from dataclasses import dataclass

from midwatch_core.model.changing import changed
from midwatch_core.model.content import FinishReason, Json, ProviderError, Request, Response
from midwatch_core.wire.binary import omitted
from midwatch_core.wire.decompression import DecompressionError, decompressor_for
from midwatch_core.wire.dialect import Dialect, body_reader
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.node import Node, Trouble
from midwatch_core.wire.target import Target

_ERROR_EXCERPT = 500
# Requests that have no body, and answers that need not have one (RFC 9110, sections 9.3 and 15.3).
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE"})
_WITHOUT_ANSWER = frozenset({202, 204, 205})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedRequest:
    """A request and the document it was read from, which sealing needs for the skeleton."""

    request: Request
    document: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedResponse:
    """A response and the document it was read from; None for a stream."""

    response: Response
    document: Json


def decode_request(dialect: Dialect, body: bytes, target: Target, content_encoding: str = "") -> DecodedRequest:
    """Read a request body. Never raises: `decode_error` says where reading stopped."""
    plain, problem = plain_body(body, content_encoding)
    document, own_problem = (None, None) if problem else _request_document(dialect, plain, target)
    return decode_document(dialect, document, target, body_bytes=len(body), problem=problem or own_problem)


def _request_document(dialect: Dialect, plain: bytes, target: Target) -> tuple[Json, str | None]:
    if not plain and target.method in _WITHOUT_BODY:
        return None, None
    reader = body_reader(dialect)
    return parse(plain) if reader is None else reader.request_document(plain, target)


def decode_document(
    dialect: Dialect, document: Json, target: Target, *, body_bytes: int, problem: str | None = None
) -> DecodedRequest:
    """The same for a document that is read already; `problem` is what was met on the way. Never raises."""
    trouble = Trouble(problem)
    request = dialect.read_request(Node(document, trouble), target)
    return DecodedRequest(
        request=changed(request, body_bytes=body_bytes, decode_error=trouble.first), document=document
    )


def decode_response(dialect: Dialect, body: bytes, status: int, content_encoding: str = "") -> DecodedResponse:
    """Read a response sent in one piece, an error's too. Never raises."""
    plain, problem = plain_body(body, content_encoding)
    return decode_plain_response(dialect, plain, status, body_bytes=len(body), problem=problem)


def decode_plain_response(
    dialect: Dialect, plain: bytes, status: int, *, body_bytes: int, problem: str | None
) -> DecodedResponse:
    """The same for a body whose content encoding is undone already; `problem` is what was met on the way."""
    document, own_problem = _answer_document(dialect, plain, status) if plain else (None, "the body is empty")
    if status in _WITHOUT_ANSWER:
        own_problem = None
    return _read_answer(dialect, document, plain, status, body_bytes=body_bytes, problem=problem, own=own_problem)


def decode_binary_response(
    dialect: Dialect, size: int, status: int, *, body_bytes: int, problem: str | None
) -> DecodedResponse:
    """A response of so many bytes of sound or pictures, which were counted and not kept. Never raises."""
    return _read_answer(dialect, omitted(size), b"", status, body_bytes=body_bytes, problem=problem)


def _answer_document(dialect: Dialect, plain: bytes, status: int) -> tuple[Json, str | None]:
    reader = body_reader(dialect) if status < 400 else None
    return parse(plain) if reader is None else reader.answer_document(plain)


def _read_answer(
    dialect: Dialect,
    document: Json,
    plain: bytes,
    status: int,
    *,
    body_bytes: int,
    problem: str | None,
    own: str | None = None,
) -> DecodedResponse:
    """`problem` is what was met on the way, `own` what is wrong with the document."""
    trouble = Trouble(problem or own)
    response = dialect.read_response(Node(document, trouble), status)
    if status >= 400:
        response = _with_error(response, plain, document)
        # A gateway's HTML error page is an answer in full, not a body we failed to read.
        trouble = Trouble(problem)
    return DecodedResponse(
        response=changed(response, body_bytes=body_bytes, decode_error=trouble.first), document=document
    )


def plain_body(body: bytes, content_encoding: str) -> tuple[bytes, str | None]:
    """The body with its content encoding undone, and what stopped that, if anything did."""
    try:
        decompressor = decompressor_for(content_encoding)
        return (decompressor.feed(body) if decompressor else body), None
    except DecompressionError as error:
        return b"", f"content-encoding {content_encoding}: {error}"


def _with_error(response: Response, plain: bytes, document: Json) -> Response:
    """An HTTP error always ends as one, and always has an error, be it only the body's beginning."""
    response = changed(response, finish_reason=FinishReason.ERROR)
    if response.error is not None:
        return response
    message = plain[:_ERROR_EXCERPT].decode("utf-8", "replace") if not isinstance(document, dict) else None
    return changed(response, error=ProviderError(type=None, message=message))

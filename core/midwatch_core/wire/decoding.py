"""Reading whole bodies with a dialect: bytes in, Request or Response out, whatever the bytes are."""

from dataclasses import dataclass

from midwatch_core.model.changing import changed
from midwatch_core.model.content import FinishReason, Json, ProviderError, Request, Response
from midwatch_core.wire.decompression import DecompressionError, decompressor_for
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.node import Node, Trouble
from midwatch_core.wire.target import Target

_ERROR_EXCERPT = 500


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
    document, json_problem = parse(plain) if plain or not problem else (None, None)
    trouble = Trouble(problem or json_problem)
    request = dialect.read_request(Node(document, trouble), target)
    return DecodedRequest(request=changed(request, body_bytes=len(body), decode_error=trouble.first), document=document)


def decode_response(dialect: Dialect, body: bytes, status: int, content_encoding: str = "") -> DecodedResponse:
    """Read a response sent in one piece, an error's too. Never raises."""
    plain, problem = plain_body(body, content_encoding)
    return decode_plain_response(dialect, plain, status, body_bytes=len(body), problem=problem)


def decode_plain_response(
    dialect: Dialect, plain: bytes, status: int, *, body_bytes: int, problem: str | None
) -> DecodedResponse:
    """The same for a body whose content encoding is undone already; `problem` is what was met on the way."""
    document, json_problem = parse(plain) if plain else (None, "the body is empty")
    trouble = Trouble(problem or json_problem)
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

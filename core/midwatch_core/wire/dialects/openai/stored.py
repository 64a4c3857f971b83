"""What OpenAI keeps: responses fetched again, and conversations (…/api-reference/responses/get, /conversations)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from midwatch_core.model.content import Json, Operation, Request, Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.items import read_item
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.dialects.openai.responses_outcome import Outcome
from midwatch_core.wire.dialects.openai.responses_stream import ResponsesStreamReader
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"items"})


class OpenAIStored(OpenAIResponses):
    """`GET …/responses/{id}` and its input items, `POST …/responses/{id}/cancel`, and items of `…/conversations`.

    A response that ran in the background is fetched until it is done. Its usage belongs to the call that created it,
    and here is none: it would count once for every look at it.
    """

    id = "openai.stored"
    operation = Operation.STORED

    def request_document(self, plain: bytes, target: Target) -> tuple[Json, str | None]:
        """JSON, or nothing: a response is cancelled without a word."""
        return parse(plain) if plain else (None, None)

    def answer_document(self, plain: bytes) -> tuple[Json, str | None]:
        """JSON."""
        return parse(plain)

    def read_request(self, body: Node, target: Target) -> Request:
        """A conversation's items are what a later response will read; other requests have no body."""
        return Request(
            operation=self.operation,
            segments=tuple(_texts(body["items"], Part.USER)),
            parameters=parameters(body, beside=_BESIDE),
            conversation_id=target.captures.get("conversation"),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """A response, an item, or a list of items; a conversation itself has its id alone."""
        if body.is_dict and body["output"]:
            return replace(super().read_response(body, status), usage=None)
        error = openai_errors.read_error(body, failed=status >= 400)
        if not body.is_dict:
            body.wrong("an object")
            return Response(error=error)
        items = body["data"]
        texts = _texts(items, Part.ASSISTANT) if items else read_item(body, Part.ASSISTANT)
        return Response(id=body["id"].text(), segments=tuple(texts), error=error)

    def stream_reader(self, assembly: Assembly) -> ResponsesStreamReader:
        """A reader for a stream that is taken up again."""
        return _StoredStream(assembly)


class _StoredStream(ResponsesStreamReader):
    __slots__ = ()

    def _read_outcome(self, response: Node, items: Sequence[Node]) -> Outcome:
        return replace(super()._read_outcome(response, items), usage=None)


def _texts(items: Node, part: Part) -> Iterator[Segment]:
    for item in items:
        if item.is_dict:
            yield from read_item(item, part)

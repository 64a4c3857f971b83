"""OpenAI's Batches, and Mistral's jobs (https://platform.openai.com/docs/api-reference/batch): counted, not billed."""

from midwatch_core.model.content import Json, Operation, Request, Response
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.batch_lines import read_line
from midwatch_core.wire.dialects.openai.unstreamed import Unstreamed
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.jsontext import parse
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"model", "requests"})


class OpenAIBatches(Unstreamed):
    """`POST …/batches`, and `GET` of one or all. Its requests stand in a file (see `openai.files`).

    What it used, once it is done, is in its object, which is asked for again and again: that is no usage of a call.
    """

    id = "openai.batches"
    operation = Operation.BATCH

    def request_document(self, plain: bytes, target: Target) -> tuple[Json, str | None]:
        """JSON, or nothing: a batch is cancelled without a word."""
        return parse(plain) if plain else (None, None)

    def answer_document(self, plain: bytes) -> tuple[Json, str | None]:
        """JSON."""
        return parse(plain)

    def read_request(self, body: Node, target: Target) -> Request:
        """Where its requests stand; Mistral's may stand here."""
        lines = (line for line in body["requests"])
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            segments=tuple(segment for line in lines for segment in read_line(line)),
            parameters=parameters(body, beside=_BESIDE),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """Its id and how far it is."""
        error = openai_errors.read_error(body, failed=status >= 400)
        if not body.is_dict:
            body.wrong("an object")
            return Response(error=error)
        return Response(id=body["id"].text(), raw_finish_reason=body["status"].text(), error=error)

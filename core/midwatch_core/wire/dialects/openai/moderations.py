"""OpenAI's Moderations, and Mistral's (https://platform.openai.com/docs/api-reference/moderations)."""

from collections.abc import Iterator

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.segment import Part
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.messages import read_content
from midwatch_core.wire.dialects.openai.unstreamed import Unstreamed
from midwatch_core.wire.dialects.openai.usage import read_chat_usage
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset({"input", "model"})
_MOST_SAID = 500


class OpenAIModerations(Unstreamed):
    """`POST …/moderations`; Mistral's `…/chat/moderations` takes conversations."""

    id = "openai.moderations"
    operation = Operation.MODERATION

    def read_request(self, body: Node, target: Target) -> Request:
        """The input is a text, several, or parts of one with pictures among them."""
        if not body.is_dict:
            body.wrong("an object")
        return Request(
            operation=self.operation,
            model=body["model"].text(),
            segments=tuple(read_content(body["input"], Part.USER)),
            parameters=parameters(body, beside=_BESIDE),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """The categories that were flagged are the finish: a moderation says nothing else. Scores stay in the body."""
        error = openai_errors.read_error(body, failed=status >= 400)
        if not body.is_dict:
            body.wrong("an object")
            return Response(error=error)
        results = [result for result in body["results"] if result.is_dict]
        flagged = ", ".join(dict.fromkeys(name for result in results for name in _flagged(result)))[:_MOST_SAID]
        return Response(
            model=body["model"].text(),
            id=body["id"].text(),
            finish_reason=_finish(flagged) if results else None,
            raw_finish_reason=flagged or None,
            usage=read_chat_usage(body["usage"]),  # Mistral's
            error=error,
        )


def _flagged(result: Node) -> Iterator[str]:
    named = [name for name, said in result["categories"].members() if said.value is True]
    yield from named
    if not named and result["flagged"].value is True:
        yield "flagged"


def _finish(flagged: str) -> FinishReason:
    return FinishReason.CONTENT_FILTER if flagged else FinishReason.STOP

"""Anthropic's count of tokens (docs.claude.com/en/api/messages-count-tokens): a message that no model answers."""

from midwatch_core.model.content import FinishReason, Operation, Response
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages, read_error
from midwatch_core.wire.node import Node


class AnthropicCountTokens(AnthropicMessages):
    """`POST /v1/messages/count_tokens`. The texts go to the provider; what it counts is no usage, and free."""

    id = "anthropic.count_tokens"
    operation = Operation.COUNT_TOKENS

    def read_response(self, body: Node, status: int) -> Response:
        """A count, which stays in the record's body, or an error."""
        error = read_error(body["error"])
        return Response(finish_reason=FinishReason.ERROR if error else None, error=error)

"""OpenAI's Responses API, and what is compatible with it."""

from collections.abc import Iterator

import orjson

from midwatch_core.model.content import Json, Operation, Request, Response, ToolResult
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.items import read_call, read_item, read_result
from midwatch_core.wire.dialects.openai.messages import read_content, read_tool_definitions
from midwatch_core.wire.dialects.openai.responses_map import ResponsesMap
from midwatch_core.wire.dialects.openai.responses_outcome import (
    read_finish,
    read_responses_usage,
)
from midwatch_core.wire.dialects.openai.responses_socket import ResponsesSocketReader, refuse_on_socket
from midwatch_core.wire.dialects.openai.responses_stream import ResponsesStreamReader
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node
from midwatch_core.wire.target import Target

_BESIDE = frozenset(
    {"input", "instructions", "tools", "model", "stream", "prompt", "previous_response_id", "conversation", "type"}
)
# What the same request is for on the paths below; the answer to the second is a count, which is no usage.
_BY_PATH = {"compact": Operation.COMPACT, "input_tokens": Operation.COUNT_TOKENS}


class OpenAIResponses:
    """`POST …/responses` (https://platform.openai.com/docs/api-reference/responses), streamed as SSE, and the same
    over WebSocket. Also `…/responses/compact` and `…/responses/input_tokens`.
    """

    id = "openai.responses"
    operation = Operation.CHAT

    def read_request(self, body: Node, target: Target) -> Request:
        """Input is a string or a list of items; a conversation is named by its id or an object with it."""
        if not body.is_dict:
            body.wrong("an object")
        definitions = list(read_tool_definitions(body["tools"]))
        conversation = body["conversation"]
        return Request(
            operation=_BY_PATH.get(target.path.rpartition("/")[2], self.operation),
            model=body["model"].text() or target.captures.get("model"),
            stream=body["stream"].flag(),
            segments=(*(segment for _, segment in definitions), *_request_texts(body)),
            tools=tuple(name for name, _ in definitions if name),
            parameters=parameters(body, beside=_BESIDE),
            previous_response_id=body["previous_response_id"].text(),
            conversation_id=conversation.text() if conversation.is_str else conversation["id"].text(),
            tool_results=tuple(_tool_results(body["input"])),
        )

    def read_response(self, body: Node, status: int) -> Response:
        """A response object, or an error. What it repeats of its request is not read again."""
        error = openai_errors.read_error(body, failed=status >= 400)
        if not body.is_dict:
            body.wrong("an object")
            return Response(error=error)
        items = [item for item in body["output"] if item]
        finish, raw = read_finish(body, items)
        return Response(
            model=body["model"].text() or None,
            id=body["id"].text() or None,
            segments=tuple(segment for item in items for segment in read_item(item, Part.ASSISTANT)),
            tool_calls=tuple(call for item in items if (call := read_call(item))),
            finish_reason=finish,
            raw_finish_reason=raw,
            usage=read_responses_usage(body["usage"], items),
            service_tier=body["service_tier"].text(),
            error=error,
        )

    def stream_reader(self, assembly: Assembly) -> ResponsesStreamReader:
        """A reader for one answer."""
        return ResponsesStreamReader(assembly)

    def stream_map(self) -> ResponsesMap:
        """Where the texts of one answer stand."""
        return ResponsesMap()

    def refuse(self, refusal: Refusal) -> Answer:
        """See `openai_errors.refuse`."""
        return openai_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """An `error` event, which OpenAI's libraries raise, and `response.failed`, which others wait for."""
        error = openai_errors.error_document(refusal)
        flat: Json = {"type": "error", "code": refusal.code, "message": refusal.message, "param": None, "error": error}
        failed: Json = {
            "type": "response.failed",
            "response": {
                "id": refusal.request_id,
                "object": "response",
                "status": "failed",
                "error": {"code": refusal.code, "message": refusal.message},
                "output": [],
            },
        }
        return b"event: error\ndata: %s\n\nevent: response.failed\ndata: %s\n\n" % (
            orjson.dumps(flat),
            orjson.dumps(failed),
        )

    def socket_reader(self, target: Target) -> ResponsesSocketReader:
        """A reader for one socket."""
        return ResponsesSocketReader(self, target)

    def refuse_on_socket(self, refusal: Refusal) -> tuple[bytes, ...]:
        """See `openai_responses_socket.refuse_on_socket`."""
        return refuse_on_socket(refusal)


def _tool_results(items: Node) -> Iterator[ToolResult]:
    if items.is_list:
        yield from (result for item in items if item.is_dict and (result := read_result(item)))


def _request_texts(body: Node) -> Iterator[Segment]:
    yield from _read_items(body["instructions"], Part.SYSTEM)
    prompt = body["prompt"]
    if prompt.is_dict:
        for _, variable in prompt["variables"].members():
            yield from read_content(variable, Part.USER)
    yield from _read_items(body["input"], Part.USER)


def _read_items(items: Node, part: Part) -> Iterator[Segment]:
    """A string, or items; an item may be a string too in compatible servers."""
    if items.is_str:
        yield from read_content(items, part)
        return
    for item in items:
        if item.is_str:
            yield from read_content(item, part)
        elif item:
            yield from read_item(item, part)

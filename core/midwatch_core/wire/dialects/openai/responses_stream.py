"""The stream of the Responses API, event by event."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from midwatch_core.model.content import FinishReason, ProviderError
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialects.openai.choice import as_text, checked_index
from midwatch_core.wire.dialects.openai.items import read_call, read_item
from midwatch_core.wire.dialects.openai.responses_outcome import Outcome, read_outcome
from midwatch_core.wire.jsontext import load
from midwatch_core.wire.node import Node, Trouble

# Delta events: the part they add to and its place in the output item; `{}` stands for the index in the field named.
DELTAS = {
    "response.output_text.delta": (Part.ASSISTANT, "content_index", "content/{}/text"),
    "response.refusal.delta": (Part.ASSISTANT, "content_index", "content/{}/refusal"),
    "response.reasoning_text.delta": (Part.REASONING, "content_index", "content/{}/text"),
    "response.reasoning_summary_text.delta": (Part.REASONING, "summary_index", "summary/{}/text"),
    "response.function_call_arguments.delta": (Part.TOOL_CALL, "", "arguments"),
    "response.mcp_call_arguments.delta": (Part.TOOL_CALL, "", "arguments"),
    "response.custom_tool_call_input.delta": (Part.TOOL_CALL, "", "input"),
    "response.code_interpreter_call_code.delta": (Part.TOOL_CALL, "", "code"),
}
LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
# Fields by which fees and the finish are known: all that is kept of an item.
_KEPT = ("type", "container_id", "action")


class ResponsesStreamReader:
    """Reads `response.*` events. `response.completed`, `.incomplete` and `.failed` end the stream, and so does an error
    before `response.created`: over WebSocket nothing else ends a call that the server refuses.

    Texts come as deltas. What has none (a web search's action, an MCP call's output) is read when its item is done,
    and from the last event where a server sends only that.
    """

    __slots__ = ("_assembly", "_begun", "_blocks", "_finished", "_handlers", "_items", "_written")

    # A protocol with the same events has names and places of its own.
    deltas: ClassVar[Mapping[str, tuple[Part, str, str]]] = DELTAS
    last: ClassVar[AbstractSet[str]] = LAST

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._begun = False
        self._blocks: dict[tuple[str, Any, Any], Block] = {}
        # Paths that have had a text: what comes again in a `done` event is not added twice.
        self._written: set[str] = set()
        self._items: dict[str, Node] = {}
        self._finished: set[str] = set()
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "response.created": self._begin,
            "response.in_progress": self._begin,
            "response.output_item.added": self._begin_item,
            "response.output_item.done": self._end_item,
            "error": self._fail,
            **dict.fromkeys(self.last, self._end),
        }

    def event(self, name: str, data: bytes) -> None:
        """Read one event. Its type is in its data; the SSE name repeats it."""
        if data.startswith(b"[DONE]"):
            self._assembly.complete = True
            return
        event = load(data)
        kind = event.get("type") or name
        delta = self.deltas.get(kind)
        if delta is not None:
            index = event.get(delta[1], 0)
            block = self._blocks.get((kind, event["output_index"], index))
            if block is None:
                block = self._open(kind, event["output_index"], index)
            block.append(event["delta"])
        elif (handler := self._handlers.get(kind)) is not None:
            handler(event)
        elif event.get("error"):
            self._fail(event)

    def end(self) -> None:
        """A stream that broke off with an error has no other end."""
        if self._assembly.error is not None:
            self._assembly.complete = True

    def _open(self, kind: str, output: object, index: object) -> Block:
        part, _, place = self.deltas[kind]
        path = f"/output/{checked_index(output)}/{place.format(checked_index(index))}"
        block = self._blocks[kind, output, index] = self._assembly.block(part, path)
        self._written.add(path)
        return block

    def _begin(self, event: dict[str, Any]) -> None:
        self._begun = True
        self._identify(event["response"])

    def _identify(self, response: dict[str, Any]) -> None:
        self._assembly.model = as_text(response.get("model")) or self._assembly.model
        self._assembly.id = as_text(response.get("id")) or self._assembly.id
        self._assembly.service_tier = as_text(response.get("service_tier")) or self._assembly.service_tier

    def _begin_item(self, event: dict[str, Any]) -> None:
        self._register(_placed(event))

    def _end_item(self, event: dict[str, Any]) -> None:
        self._finish_item(_placed(event))

    def _finish_item(self, item: Node) -> None:
        self._register(item)
        self._finished.add(item.path)
        # Texts that did not come as deltas.
        for segment in self._read_texts(item):
            if segment.path not in self._written:
                self._written.add(segment.path)
                self._assembly.block(segment.part, segment.path).append(segment.text)

    def _read_texts(self, item: Node) -> Iterable[Segment]:
        return read_item(item, Part.ASSISTANT)

    def _read_outcome(self, response: Node, items: Sequence[Node]) -> Outcome:
        return read_outcome(response, items)

    def _register(self, item: Node) -> None:
        """Keep what an item says of fees and finish, and the tool it calls."""
        if isinstance(item.value, dict):
            kept = {key: item.value[key] for key in _KEPT if key in item.value}
            self._items[item.path] = Node(kept, Trouble())
        if call := read_call(item):
            self._assembly.tool(call.path, call.id, call.name)

    def _end(self, event: dict[str, Any]) -> None:
        assembly = self._assembly
        self._identify(event["response"])
        response = Node(event["response"], trouble := Trouble())
        items = [item for item in response["output"] if item.is_dict]
        for item in items:
            if item.path not in self._finished:
                self._finish_item(item)
        known = items or list(self._items.values())
        outcome = self._read_outcome(response, known)
        if outcome.usage:
            assembly.report_usage(outcome.usage)
        if assembly.error is None and outcome.error:
            assembly.fail(outcome.error)
        if outcome.finish is not None and assembly.error is None:
            assembly.finish(outcome.finish, outcome.raw_finish)
        elif outcome.finish is not None:
            assembly.finish_reason, assembly.raw_finish_reason = FinishReason.ERROR, outcome.raw_finish
        assembly.complete = True
        if trouble.first:
            assembly.note(f"{event.get('type')}: {trouble.first}")

    def _fail(self, event: dict[str, Any]) -> None:
        """`{"type": "error", "code", "message"}`, or the same in an object `error`."""
        nested = event.get("error")
        error = nested if isinstance(nested, dict) else event
        kind = (as_text(error.get("type")) if error is nested else None) or as_text(error.get("code"))
        self._assembly.fail(ProviderError(type=kind, message=as_text(error.get("message")) or as_text(nested)))
        self._assembly.complete = self._assembly.complete or not self._begun


def _placed(event: dict[str, Any]) -> Node:
    """The item of an event, standing where it has its place in the whole answer."""
    trouble = Trouble()
    output = Node(None, trouble, Node(None, trouble), "output")
    return Node(event["item"], trouble, output, checked_index(event["output_index"]))

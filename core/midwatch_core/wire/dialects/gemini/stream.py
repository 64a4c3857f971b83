"""Gemini's stream: partial answers in, the parts that they are together out."""

from dataclasses import dataclass
from typing import Any

from midwatch_core.model.segment import Part
from midwatch_core.model.usage import Usage
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialects.gemini.errors import read_error
from midwatch_core.wire.dialects.gemini.finish import block_reason, finish_reason
from midwatch_core.wire.dialects.gemini.parts import CODE_TOOL, call_name, calls, either, part_segments
from midwatch_core.wire.dialects.gemini.usage import read_service_tier, read_usage
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node, Trouble

# More than any request may ask for.
MAX_CANDIDATES = 64


@dataclass(slots=True)
class _Candidate:
    """Where the writing of one candidate stands: the part under way, and whether it is text that may go on."""

    parts: int = 0
    text: Block | None = None
    thought: bool = False
    # A call whose arguments come in pieces (Vertex AI's partialArgs).
    call: Block | None = None
    called_tools: bool = False


class GeminiStream:
    """Reads one streamed answer (see `StreamReader`)."""

    __slots__ = ("_assembly", "_base", "_candidates", "_finished", "_inside", "_searches", "_trouble", "_usage")

    def __init__(self, assembly: Assembly, *, inside: str = "") -> None:
        """`inside` is the member of every event that holds the partial answer, where it is not the event itself."""
        self._assembly = assembly
        self._inside = inside
        self._base = f"/{inside}" if inside else ""
        self._trouble = Trouble()
        self._candidates: dict[int, _Candidate] = {}
        self._usage: dict[str, Any] | None = None
        self._searches = 0
        self._finished = False
        assembly.usage_source = self._read_usage

    def event(self, name: str, data: bytes) -> None:
        """Read one partial answer."""
        event = unwrapped(load(data), self._inside)
        assembly = self._assembly
        if assembly.model is None:
            assembly.model = _string(event.get("modelVersion"))
            assembly.id = _string(event.get("responseId"))
        for candidate in event.get("candidates") or ():
            self._read_candidate(candidate)
        if usage := event.get("usageMetadata"):
            self._usage = usage
        if "promptFeedback" in event or "error" in event:
            self._read_refusal(event)
        if self._finished and usage and (read := self._read_usage()):
            assembly.report_usage(read)
        if self._trouble.first:
            assembly.note(self._trouble.first)

    def end(self) -> None:
        """There is no terminal event: an end in order after a finish reason is the end."""
        if self._finished:
            self._assembly.complete = True

    def _read_candidate(self, candidate: dict[str, Any]) -> None:
        index = candidate.get("index", 0)
        state = self._candidates.get(index)
        if state is None:
            state = self._new_candidate(index)
        content = candidate.get("content")
        if content:
            for part in content.get("parts") or ():
                text = part.get("text")
                if text is None:
                    self._read_part(state, index, part)
                elif text:
                    self._append_text(state, index, text, part.get("thought") is True)
        if "groundingMetadata" in candidate:
            self._searches = len((candidate["groundingMetadata"] or {}).get("webSearchQueries") or ()) or self._searches
        if reason := candidate.get("finishReason"):
            self._finish(index, state, reason)

    def _new_candidate(self, index: int) -> _Candidate:
        if type(index) is not int or not 0 <= index < MAX_CANDIDATES:
            raise ValueError(f"no candidate can have index {index!r}")
        state = self._candidates[index] = _Candidate()
        return state

    def _append_text(self, state: _Candidate, index: int, text: str, thought: bool) -> None:
        """Text goes on where the last part was text of its kind, else it begins a part."""
        block = state.text
        if block is None or state.thought is not thought:
            part = Part.REASONING if thought else Part.ASSISTANT
            block = state.text = self._assembly.block(part, f"{self._next_part(state, index)}/text")
            state.thought = thought
        block.append(text)

    def _next_part(self, state: _Candidate, index: int) -> str:
        number = state.parts
        state.parts += 1
        return f"{self._base}/candidates/{index}/content/parts/{number}"

    def _read_part(self, state: _Candidate, index: int, part: dict[str, Any]) -> None:
        """A part that is no text: a call, code, a result, an image."""
        call = part.get("functionCall")
        if call is not None and (state.call is not None or call.get("partialArgs") or call.get("willContinue")):
            self._read_partial_call(state, index, call)
            return
        if not part.keys() - {"thoughtSignature", "thought"}:
            return
        state.text = None
        node = self._node(part, index, state.parts)
        self._next_part(state, index)
        for call_node in calls(node):
            block = self._tool(state, call_node["args"].path, call_node["id"].text(), call_name(call_node))
            block.is_json = True
        if code := either(node, "executableCode", "executable_code"):
            self._tool(state, code["code"].path, code["id"].text(), CODE_TOOL)
        for segment in part_segments(node, Part.ASSISTANT):
            self._assembly.block(segment.part, segment.path).append(segment.text)

    def _read_partial_call(self, state: _Candidate, index: int, call: dict[str, Any]) -> None:
        """Arguments in pieces are kept as they come: a list of JSON paths and values a piece."""
        if state.call is None:
            state.text = None
            path = f"{self._next_part(state, index)}/functionCall/args"
            state.call = self._tool(state, path, _string(call.get("id")), _string(call.get("name")))
        for piece in call.get("partialArgs") or ():
            state.call.append(compact(piece))
        if not call.get("willContinue"):
            state.call = None

    def _tool(self, state: _Candidate, path: str, tool_id: str | None, name: str | None) -> Block:
        state.called_tools = True
        return self._assembly.tool(path, tool_id, name)

    def _finish(self, index: int, state: _Candidate, value: Any) -> None:
        reason, raw = finish_reason(value, called_tools=state.called_tools)
        if reason is None:
            return
        self._finished = True
        if index == 0 or self._assembly.finish_reason is None:
            self._assembly.finish(reason, raw)

    def _read_refusal(self, event: dict[str, Any]) -> None:
        """The prompt was blocked, or the stream broke with an error."""
        node = self._root(event)
        reason, raw = block_reason(node["promptFeedback"]["blockReason"].value)
        if reason is not None:
            self._finished = True
            self._assembly.finish(reason, raw)
            if message := node["promptFeedback"]["blockReasonMessage"].segment(Part.ASSISTANT):
                self._assembly.block(message.part, message.path).append(message.text)
        if error := read_error(node["error"]):
            self._assembly.fail(error)
            self._assembly.complete = True

    def _read_usage(self) -> Usage | None:
        """Every event counts anew, so only the last count is read."""
        if not self._usage:
            return None
        node = Node(self._usage, self._trouble, Node(None, self._trouble), "usageMetadata")
        self._assembly.service_tier = read_service_tier(node) or self._assembly.service_tier
        return read_usage(node, searches=self._searches)

    def _node(self, part: dict[str, Any], index: int, number: int) -> Node:
        node = self._root(None)
        for key in ("candidates", index, "content", "parts"):
            node = Node(None, self._trouble, node, key)
        return Node(part, self._trouble, node, number)

    def _root(self, event: dict[str, Any] | None) -> Node:
        """A partial answer in its place in the unstreamed one."""
        document = Node(None if self._inside else event, self._trouble)
        return Node(event, self._trouble, document, self._inside) if self._inside else document


def unwrapped(event: dict[str, Any], inside: str) -> dict[str, Any]:
    """The partial answer of an event, which may be a member of it; an error, and the trace's id, stand beside it."""
    if not inside:
        return event
    answer: dict[str, Any] = dict(event.get(inside) or {})
    if "error" in event:
        answer["error"] = event["error"]
    if "traceId" in event:
        answer.setdefault("responseId", event["traceId"])
    return answer


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None

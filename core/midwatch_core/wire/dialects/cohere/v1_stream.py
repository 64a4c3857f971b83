"""Cohere's stream of version 1: a JSON object a line, the last with the whole answer once more."""

from typing import Any

from midwatch_core.model.content import ProviderError
from midwatch_core.model.segment import Part
from midwatch_core.wire.assembly import Assembly, Block
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.dialects.cohere.answers import finish_reason, read_usage
from midwatch_core.wire.dialects.cohere.stream import as_text, checked_index
from midwatch_core.wire.dialects.cohere.v1_parts import answer_segments, tool_calls
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node, Trouble

TEXT = "/text"


class CohereV1Stream:
    """Reads one streamed answer (see `StreamReader`)."""

    __slots__ = ("_assembly", "_text", "_trouble")

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._text: Block = assembly.block(Part.ASSISTANT, TEXT)
        self._trouble = Trouble()

    def event(self, name: str, data: bytes) -> None:
        """Read one line."""
        event = load(data)
        match event.get("event_type"):
            case "text-generation":
                self._text.append(event["text"])
            case "tool-calls-chunk":
                self._chunk(event)
            case "stream-start":
                self._assembly.id = as_text(event.get("generation_id"))
            case "stream-end":
                self._finish(event)
            case None if message := as_text(event.get("message")):
                self._fail(message)
        if self._trouble.first:
            self._assembly.note(self._trouble.first)

    def end(self) -> None:
        """The terminal event is `stream-end`: an end without it is no end."""

    def _chunk(self, event: dict[str, Any]) -> None:
        """A piece of the plan, or of a call's parameters."""
        delta = event.get("tool_call_delta") or {}
        if text := delta.get("text") or event.get("text"):
            self._text.append(text)
        if delta.get("name") or delta.get("parameters"):
            block = self._assembly.tool(parameters_path(delta["index"]), None, as_text(delta.get("name")))
            block.is_json = True
            if parameters := delta.get("parameters"):
                block.append(parameters)

    def _finish(self, event: dict[str, Any]) -> None:
        """Whatever did not come in pieces is in the whole answer."""
        answer = Node(event.get("response"), self._trouble)
        calls = tuple(tool_calls(answer))
        for call in calls:
            self._assembly.tool(call.path, None, call.name).is_json = True
        for segment in answer_segments(answer):
            block = self._assembly.block(segment.part, segment.path)
            if block.is_empty:
                block.append(segment.text)
        if read := read_usage(answer["meta"]):
            self._assembly.report_usage(read)
        raw = as_text(event.get("finish_reason"))
        self._assembly.finish(finish_reason("TOOL_CALL" if calls and raw == "COMPLETE" else raw), raw)
        self._assembly.complete = True
        if error := as_text(event.get("error")):
            self._fail(error)

    def _fail(self, message: str) -> None:
        self._assembly.fail(ProviderError(type=None, message=message))
        self._assembly.complete = True


def parameters_path(index: object) -> str:
    """Where a call's parameters stand in the whole answer; its index comes as a float. Raises ValueError for none."""
    whole = int(index) if isinstance(index, float) and index.is_integer() else index
    return f"/tool_calls/{checked_index(whole)}/parameters"


def last_line(refusal: Refusal, *, finish: str, answer: dict[str, Any], **more: Any) -> bytes:
    """The line that ends a stream."""
    event: dict[str, Any] = {"is_finished": True, "event_type": "stream-end", "finish_reason": finish}
    response = {"text": "", "finish_reason": finish, **answer}
    return compact(event | {"response": response} | more | notice(refusal)).encode()


def refuse_in_stream(refusal: Refusal) -> bytes:
    """A refusal as the end of a stream that has begun."""
    return last_line(refusal, finish="ERROR", answer={}, error=refusal.message) + b"\n"

"""Gemini's stream for its editor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.dialects.gemini.parts import part_segments
from midwatch_core.wire.dialects.gemini.stream import MAX_CANDIDATES, unwrapped
from midwatch_core.wire.editing.document import mould
from midwatch_core.wire.editing.found import add_delta, add_whole, placed
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import compact, load
from midwatch_core.wire.node import Node

_ENVELOPE = ("modelVersion", "responseId", "createTime")
_KEPT = ("index", "role", "thought", "jsonPath", *_ENVELOPE)


@dataclass(slots=True)
class _Candidate:
    """Where the writing of one candidate stands; see `gemini_stream`, whose paths must come out the same."""

    parts: int = 0
    text: str = ""
    thought: bool = False
    call: str = ""
    # The text that goes on, if any: it ends where a part of another kind begins.
    current: str = ""


class GeminiMap:
    """Finds texts in partial answers (see `StreamMap`).

    Arguments in pieces (`partialArgs`) are a text for each of their members, below the call's path.
    """

    __slots__ = ("_base", "_candidates", "_envelope", "_failed", "_inside", "_sent", "_usage")

    def __init__(self, *, inside: str = "") -> None:
        """`inside` is the member of every event that holds the partial answer, where it is not the event itself."""
        self._inside = inside
        self._base = f"/{inside}" if inside else ""
        self._candidates: dict[int, _Candidate] = {}
        self._envelope: dict[str, Any] = {}
        self._usage: Json = None
        self._sent: set[int] = set()
        self._failed = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one partial answer."""
        document = load(data)
        found = Reading(document=document)
        event = unwrapped(document, self._inside)
        self._envelope |= {key: event[key] for key in _ENVELOPE if key in event}
        self._usage = event.get("usageMetadata") or self._usage
        for at, candidate in enumerate(event.get("candidates") or ()):
            self._candidate(candidate, f"{self._base}/candidates/{at}", found)
        if "error" in event or "promptFeedback" in event:
            found.closes.append(ALL)
            self._blocked(event, found)
        return found

    def _candidate(self, candidate: dict[str, Any], pointer: str, found: Reading) -> None:
        index = candidate.get("index", 0)
        state = self._candidates.get(index)
        if state is None:
            if type(index) is not int or not 0 <= index < MAX_CANDIDATES:
                raise ValueError(f"no candidate can have index {index!r}")
            state = self._candidates[index] = _Candidate()
        for number, part in enumerate((candidate.get("content") or {}).get("parts") or ()):
            at = f"{pointer}/content/parts/{number}"
            text = part.get("text")
            if text is None:
                self._part(state, index, part, at, found)
            elif text:
                self._text(state, index, text, part.get("thought") is True, at, found)
        if candidate.get("finishReason"):
            found.closes.append(f"{self._base}/candidates/{index}/")
        self._repeated(candidate, index, pointer, found)

    def _repeated(self, candidate: dict[str, Any], index: int, pointer: str, found: Reading) -> None:
        """Log probabilities spell the text out; grounding quotes pieces of it, each a text of its own here."""
        if candidate.get("logprobsResult"):
            found.shadows.append((f"{pointer}/logprobsResult", None))
        grounding = candidate.get("groundingMetadata") or {}
        for number, support in enumerate(grounding.get("groundingSupports") or ()):
            node = self._placed(support, "candidates", index, "groundingMetadata", "groundingSupports", number)
            if segment := node["segment"]["text"].segment(Part.ASSISTANT):
                at = f"{pointer}/groundingMetadata/groundingSupports/{number}"
                add_whole(found, [segment], node.path, at)

    def _text(self, state: _Candidate, index: int, text: str, thought: bool, pointer: str, found: Reading) -> None:
        if not state.text or state.thought is not thought:
            self._turn(state, f"{self._next(state, index)}/text", found)
            state.text, state.thought = state.current, thought
        part = Part.REASONING if thought else Part.ASSISTANT
        add_delta(found, state.text, part, f"{pointer}/text", text)

    def _turn(self, state: _Candidate, path: str, found: Reading) -> None:
        """The writing goes on elsewhere."""
        if state.current and state.current != path:
            found.closes.append(state.current)
        state.current = path

    def _part(self, state: _Candidate, index: int, part: dict[str, Any], pointer: str, found: Reading) -> None:
        call = part.get("functionCall")
        if call is not None and (state.call or call.get("partialArgs") or call.get("willContinue")):
            self._partial(state, index, call, f"{pointer}/functionCall", found)
            return
        if not part.keys() - {"thoughtSignature", "thought"}:
            return
        state.text = ""
        self._turn(state, "", found)
        node = self._placed(part, "candidates", index, "content", "parts", state.parts)
        self._next(state, index)
        add_whole(found, part_segments(node, Part.ASSISTANT), node.path, pointer)

    def _partial(self, state: _Candidate, index: int, call: dict[str, Any], pointer: str, found: Reading) -> None:
        if not state.call:
            state.text = ""
            state.call = f"{self._next(state, index)}/functionCall/args"
        for number, piece in enumerate(call.get("partialArgs") or ()):
            path = state.call + _below(piece.get("jsonPath"))
            self._turn(state, path, found)
            at = f"{pointer}/partialArgs/{number}/stringValue"
            add_delta(found, path, Part.TOOL_CALL, at, piece.get("stringValue"))
            if not piece.get("willContinue"):
                self._turn(state, "", found)
        if not call.get("willContinue"):
            state.call = ""
            self._turn(state, "", found)

    def _blocked(self, event: dict[str, Any], found: Reading) -> None:
        feedback = event.get("promptFeedback") or {}
        if message := feedback.get("blockReasonMessage"):
            path = f"{self._base}/promptFeedback/blockReasonMessage"
            add_whole(found, [Segment(part=Part.ASSISTANT, path=path, text=message)], path, path)

    def sent(self, name: str, document: Any) -> None:
        """Remember the candidates."""
        event = unwrapped(document, self._inside)
        for candidate in event.get("candidates") or ():
            self._sent.add(candidate.get("index", 0))
        self._failed = self._failed or "error" in event

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A partial answer with only these parts."""
        event = mould(document, texts, envelope=_ENVELOPE, kept=_KEPT)
        for candidate in (event[self._inside] if self._inside else event)["candidates"]:
            candidate["content"].setdefault("role", "model")
            for call in (part.get("functionCall") for part in candidate["content"]["parts"]):
                for holder in (call, *call["partialArgs"]) if call else ():
                    holder["willContinue"] = True
        return "", event

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """A partial answer in which every candidate is finished as unsafe, and has the message."""
        if self._failed:
            return
        finish = {"finishReason": "SAFETY", "finishMessage": refusal.message}
        event: dict[str, Any] = {
            "candidates": [{**finish, "index": index} for index in sorted(self._sent or {0})],
            **({"usageMetadata": self._usage} if self._usage else {}),
            **self._envelope,
        }
        wrapped: dict[str, Any] = {self._inside: event} if self._inside else event
        yield "", compact(wrapped | notice(refusal)).encode()

    def _next(self, state: _Candidate, index: int) -> str:
        number = state.parts
        state.parts += 1
        return f"{self._base}/candidates/{index}/content/parts/{number}"

    def _placed(self, value: Any, *keys: str | int) -> Node:
        """`value` in its place in the unstreamed answer."""
        return placed(value, self._inside, *keys) if self._inside else placed(value, *keys)


def _below(json_path: Any) -> str:
    """A path like `$.city.name` or `$.list[0]` as a JSON Pointer."""
    if type(json_path) is not str:
        raise TypeError("a piece of arguments without its path")
    names = json_path.removeprefix("$").replace("[", ".").replace("]", "").split(".")
    return "".join("/" + name.strip("'\"").replace("~", "~0").replace("/", "~1") for name in names if name)

"""The stream of Chat Completions, and of legacy Completions, for its editor."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.dialects.openai.choice import checked_index
from midwatch_core.wire.dialects.openai.choice_map import ChoiceMap
from midwatch_core.wire.editing.document import mould
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.jsontext import compact, load

_ENVELOPE = ("id", "object", "created", "model", "system_fingerprint", "service_tier", "provider")
_KEPT = ("index", "type", "format")
# Added to the arguments of a call that was cut: no reader of JSON takes them for finished, be they whole or none yet.
_SPOILER = "{"


class ChatMap:
    """Finds texts in `chat.completion.chunk` events (see `StreamMap`)."""

    __slots__ = ("_choices", "_done", "_envelope", "_legacy", "_sent")

    def __init__(self, *, legacy: bool = False) -> None:
        """`legacy` Completions have `text` in a choice and no delta."""
        self._legacy = legacy
        self._choices: dict[int, ChoiceMap] = {}
        self._envelope: dict[str, Any] = {}
        # What the client has: the choices, each with the call under way in it as (index, id).
        self._sent: dict[int, dict[str, Any] | None] = {}
        self._done = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one chunk."""
        if data.startswith(b"[DONE]"):
            return Reading(document=None, closes=[ALL])
        chunk = load(data)
        found = Reading(document=chunk)
        if chunk.get("id") or not self._envelope:
            self._envelope = {key: chunk[key] for key in _ENVELOPE if key in chunk}
        for at, choice in enumerate(chunk.get("choices") or ()):
            index = choice.get("index") or 0
            reader = self._choices.get(index)
            if reader is None:
                reader = self._choices[index] = ChoiceMap(checked_index(index))
            reader.read(choice, f"/choices/{at}", found)
        if "error" in chunk or chunk.get("object") == "error":
            found.closes.append(ALL)
        return found

    def sent(self, name: str, document: Any) -> None:
        """Remember the choices, and the call that is open in each."""
        if document is None:
            self._done = True
            return
        for choice in document.get("choices") or ():
            index = choice.get("index") or 0
            delta = choice.get("delta") or {}
            if "text" in choice:
                self._legacy = True
            elif "delta" in choice:
                self._legacy = False
            if calls := delta.get("tool_calls"):
                self._sent[index] = calls[-1]
            elif call := delta.get("function_call"):
                self._sent[index] = {"function_call": call}
            if choice.get("finish_reason"):
                self._sent[index] = None
            self._sent.setdefault(index, None)

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A chunk with only these deltas."""
        chunk = mould(document, texts, envelope=_ENVELOPE, kept=_KEPT)
        for choice in chunk["choices"]:
            if "message" in choice:
                choice["delta"] = choice.pop("message")
            choice.setdefault("index", 0)
            choice["finish_reason"] = None
        return "", chunk

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """A chunk that finishes every choice as filtered, then `[DONE]`."""
        if self._done:
            return
        kind = "text_completion" if self._legacy else "chat.completion.chunk"
        chunk = {"id": refusal.request_id, "object": kind, "created": 0, "model": "", **self._envelope}
        chunk["choices"] = [self._finish(index, call) for index, call in (self._sent or {0: None}).items()]
        yield "", compact(chunk | notice(refusal)).encode()
        yield "", b"[DONE]"

    def _finish(self, index: int, call: dict[str, Any] | None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": index, "finish_reason": "content_filter", "logprobs": None}
        if self._legacy:
            return choice | {"text": ""}
        delta: dict[str, Any] = {} if self._sent else {"role": "assistant", "content": ""}
        if call and "function_call" in call:
            delta["function_call"] = {"arguments": _SPOILER}
        elif call and type((call.get("function") or {}).get("arguments") or "") is str and "custom" not in call:
            place = {"index": call["index"]} if "index" in call else {}
            delta["tool_calls"] = [{**place, "function": {"arguments": _SPOILER}}]
        return choice | {"delta": delta}

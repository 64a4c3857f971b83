"""Converse's stream for its editor."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.model.segment import Part
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.answering import notice
from midwatch_core.wire.dialects.bedrock.blocks import citation_segments
from midwatch_core.wire.dialects.bedrock.errors import is_failure
from midwatch_core.wire.dialects.bedrock.stream import CONTENT, MAX_BLOCKS, checked_index, citation_place
from midwatch_core.wire.editing.document import mould
from midwatch_core.wire.editing.found import add_delta, add_whole, placed
from midwatch_core.wire.editing.slot import ALL, Reading, Slot
from midwatch_core.wire.eventstream import CHUNK
from midwatch_core.wire.jsontext import compact, load

_DELTA = "contentBlockDelta"
_INDEX = ("contentBlockIndex",)


class ConverseMap:
    """Finds texts in the events of an answer (see `StreamMap`); `wrapped` as for `ConverseStream`."""

    __slots__ = ("_numbers", "_open", "_started", "_stopped", "_wrapped")

    def __init__(self, *, wrapped: bool = False) -> None:
        self._wrapped = wrapped
        self._numbers: dict[tuple[int, str], int] = {}
        # What the client has: the message's start, its open blocks by kind, and its end.
        self._started = False
        self._open: dict[int, str] = {}
        self._stopped = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one event."""
        event = load(data)
        found = Reading(document=event)
        for kind, value in event.items() if self._wrapped else ((name, event),):
            self._event(kind, value, f"/{kind}" if self._wrapped else "", found)
        return found

    def _event(self, name: str, event: Any, pointer: str, found: Reading) -> None:
        if name == _DELTA:
            self._delta(checked_index(event["contentBlockIndex"]), event["delta"], f"{pointer}/delta", found)
        elif name == "contentBlockStop":
            found.closes.append(f"{CONTENT}/{event['contentBlockIndex']}/")
        elif name == "messageStop" or is_failure(name):
            found.closes.append(ALL)

    def _delta(self, index: int, delta: dict[str, Any], pointer: str, found: Reading) -> None:
        base = f"{CONTENT}/{index}"
        for kind, value in delta.items():
            place = f"{pointer}/{kind}"
            if kind == "text":
                add_delta(found, f"{base}/text", Part.ASSISTANT, place, value)
            elif kind == "toolUse":
                add_delta(found, f"{base}/toolUse/input", Part.TOOL_CALL, f"{place}/input", value["input"], json=True)
            elif kind == "reasoningContent":
                self._reasoning(base, value, place, found)
            elif kind == "toolResult":
                for at, item in enumerate(value):
                    self._result(index, item, f"{place}/{at}", found)
            elif kind == "citation":
                node = placed(value, *citation_place(index, self._number(index, kind)))
                add_whole(found, citation_segments(node), node.path, place)

    def _reasoning(self, base: str, value: dict[str, Any], place: str, found: Reading) -> None:
        path = f"{base}/reasoningContent/reasoningText/text"
        add_delta(found, path, Part.REASONING, f"{place}/text", value.get("text"))
        if "signature" in value:
            found.closes.append(path)

    def _result(self, index: int, item: dict[str, Any], place: str, found: Reading) -> None:
        base = f"{CONTENT}/{index}/toolResult/content"
        add_delta(found, f"{base}/0/text", Part.TOOL_RESULT, f"{place}/text", item.get("text"))
        if "json" in item:
            path = f"{base}/{self._number(index, 'json')}/json"
            text = compact(item["json"])
            found.slots.append(
                Slot(path=path, part=Part.TOOL_RESULT, pointer=f"{place}/json", text=text, whole=True, json=True)
            )

    def _number(self, index: int, kind: str) -> int:
        number = self._numbers.get((index, kind), 0)
        if number >= MAX_BLOCKS:
            raise ValueError(f"block {index} has more than {MAX_BLOCKS} parts")
        self._numbers[index, kind] = number + 1
        return number

    def sent(self, name: str, document: Any) -> None:
        """Remember what is open on the client's side."""
        for kind, event in document.items() if self._wrapped else ((name, document),):
            if kind == "messageStart":
                self._started = True
            elif kind == "contentBlockStart":
                self._open[checked_index(event["contentBlockIndex"])] = next(iter(event["start"]), "")
            elif kind == _DELTA:
                self._open.setdefault(checked_index(event["contentBlockIndex"]), next(iter(event["delta"]), ""))
            elif kind == "contentBlockStop":
                self._open.pop(event["contentBlockIndex"], None)
            elif kind == "messageStop" or is_failure(kind):
                self._stopped = True

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A delta of the same block."""
        return CHUNK if self._wrapped else _DELTA, mould(document, texts, envelope=_INDEX, kept=_INDEX)

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """The open blocks' end, and the message's, filtered. No `metadata`: what it would count is not known.

        A tool's block is left open: agents start a tool as soon as its block stops.
        """
        if self._stopped:
            return
        if not self._started:
            yield self._write("messageStart", {"role": "assistant"})
        for index, kind in sorted(self._open.items()):
            if kind != "toolUse":
                yield self._write("contentBlockStop", {"contentBlockIndex": index})
        stop: dict[str, Json] = {"stopReason": "content_filtered", "additionalModelResponseFields": notice(refusal)}
        yield self._write("messageStop", stop)

    def _write(self, name: str, event: dict[str, Json]) -> tuple[str, bytes]:
        return (CHUNK, compact({name: event}).encode()) if self._wrapped else (name, compact(event).encode())

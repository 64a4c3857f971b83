"""What a client of the Responses API has been sent of a response's items: enough to end them in order."""

from collections.abc import Iterator, Mapping
from typing import Any

from midwatch_core.wire.assembly import MAX_TEXTS_BYTES

# The event that repeats the text of a part, by the part's type, and the member that has it.
_DONE_EVENTS = {
    "output_text": ("response.output_text.done", "text"),
    "refusal": ("response.refusal.done", "refusal"),
    "reasoning_text": ("response.reasoning_text.done", "text"),
    "summary_text": ("response.reasoning_summary_text.done", "text"),
}
_PART_DONE = {"content": "response.content_part.done", "summary": "response.reasoning_summary_part.done"}


class _Item:
    """One item that is open: as it was added, its parts by (kind, index), and the parts and texts that have ended."""

    __slots__ = ("done_parts", "done_texts", "item", "parts", "textual")

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item
        self.textual = item.get("type") in ("message", "reasoning")
        self.parts: dict[tuple[str, int], dict[str, Any]] = {}
        self.done_parts: set[tuple[str, int]] = set()
        self.done_texts: set[str] = set()


class SentItems:
    """The items sent: open ones with the pieces of their texts, finished ones as they were."""

    __slots__ = ("_done_events", "_finished", "_open", "_size", "_texts")

    def __init__(self, done_events: Mapping[str, tuple[str, str]] = _DONE_EVENTS) -> None:
        """`done_events`: by the type of a part, the event that repeats its text and the member that has it."""
        self._done_events = done_events
        self._open: dict[int, _Item] = {}
        self._finished: dict[int, dict[str, Any]] = {}
        # By path; of an answer beyond all bounds only the beginning is kept.
        self._texts: dict[str, list[str]] = {}
        self._size = 0

    def begin(self, index: int, item: dict[str, Any]) -> None:
        """`response.output_item.added`."""
        self._open[index] = _Item(item)

    def finish(self, index: int, item: dict[str, Any]) -> None:
        """`response.output_item.done`."""
        self._open.pop(index, None)
        self._finished[index] = item
        for path in [path for path in self._texts if path.startswith(f"/output/{index}/")]:
            self._size -= sum(map(len, self._texts.pop(path)))

    def add(self, index: int, path: str, delta: str) -> None:
        """A delta of the text at `path`; those of calls are not needed."""
        opened = self._open.get(index)
        if opened and opened.textual and self._size + len(delta) <= MAX_TEXTS_BYTES:
            self._texts.setdefault(path, []).append(delta)
            self._size += len(delta)

    def set(self, index: int, path: str, text: Any) -> None:
        """The whole text, which ends it."""
        if (opened := self._open.get(index)) and type(text) is str:
            opened.done_texts.add(path)
            if opened.textual:
                self._size += len(text) - sum(map(len, self._texts.get(path, ())))
                self._texts[path] = [text]

    def part(self, event: dict[str, Any], kind: str, field: str, *, done: bool) -> None:
        """A part that begins, or ends."""
        if opened := self._open.get(event["output_index"]):
            place = (kind, event.get(field, 0))
            opened.parts[place] = event["part"]
            if done:
                opened.done_parts.add(place)

    def endings(self) -> Iterator[dict[str, Any]]:
        """The events that end what can be ended; the items they end count as finished from then on."""
        for index, opened in sorted(self._open.items()):
            if opened.textual:
                for place, part in sorted(opened.parts.items(), key=lambda item: item[0]):
                    if place not in opened.done_parts:
                        yield from self._end_part(index, opened, place, part)
                yield self._end_item(index, opened)

    def output(self) -> list[dict[str, Any]]:
        """The finished items, in order."""
        return [item for _, item in sorted(self._finished.items())]

    def _end_part(
        self, index: int, opened: _Item, place: tuple[str, int], part: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        kind, number = place
        where = {"item_id": opened.item.get("id") or "", "output_index": index, f"{kind}_index": number}
        event, member = self._done_events.get(part.get("type", ""), ("", ""))
        if event:
            path = f"/output/{index}/{kind}/{number}/{member}"
            text = "".join(self._texts.get(path, ()))
            part = opened.parts[place] = {**part, member: text}
            if path not in opened.done_texts:
                logprobs: dict[str, Any] = {"logprobs": []} if event == "response.output_text.done" else {}
                yield {"type": event, **where, member: text, **logprobs}
        yield {"type": _PART_DONE[kind], **where, "part": part}

    def _end_item(self, index: int, opened: _Item) -> dict[str, Any]:
        item = {**opened.item, "status": "incomplete"}
        for kind in ("content", "summary"):
            parts = [part for (of, _), part in sorted(opened.parts.items(), key=lambda pair: pair[0]) if of == kind]
            if parts or kind in item:
                item[kind] = parts
        self._finished[index] = item
        return {"type": "response.output_item.done", "output_index": index, "item": item}

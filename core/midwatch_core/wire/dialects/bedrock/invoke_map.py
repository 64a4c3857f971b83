"""The stream of an invocation for its editor: the map of its model's format, with every event in a chunk."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.dialects.bedrock.errors import exception, is_failure
from midwatch_core.wire.dialects.bedrock.forms import form_of_event
from midwatch_core.wire.dialects.bedrock.text_map import TextMap
from midwatch_core.wire.dialects.bedrock.texts import format_of_event
from midwatch_core.wire.editing.slot import ALL, Reading, Slot, StreamMap
from midwatch_core.wire.eventstream import CHUNK
from midwatch_core.wire.jsontext import load

# OpenAI's own streams end with it; Bedrock's chunks hold JSON only.
_NO_JSON = b"[DONE]"


class InvokeMap:
    """Finds texts in the chunks of one answer (see `StreamMap`)."""

    __slots__ = ("_failed", "_map")

    def __init__(self) -> None:
        self._map: StreamMap | None = None
        self._failed = False

    def read(self, name: str, data: bytes) -> Reading:
        """The texts of one event. Raises ValueError for a chunk of a format that is not known."""
        if name != CHUNK:
            return Reading(document=load(data), closes=[ALL] if is_failure(name) else [])
        if self._map is None:
            self._map = _map_for(load(data))
        if self._map is None:
            raise ValueError("a chunk of a format that is not known")
        return self._map.read("", data)

    def sent(self, name: str, document: Any) -> None:
        """Remember what is open on the client's side."""
        if is_failure(name):
            self._failed = True
        elif self._map is not None and name == CHUNK:
            self._map.sent("", document)

    def tail(self, document: Any, texts: Sequence[tuple[Slot, str]]) -> tuple[str, Json]:
        """A chunk of the format's own. Raises ValueError where no chunk has been read."""
        if self._map is None:
            raise ValueError("no chunk has been read")
        return CHUNK, self._map.tail(document, texts)[1]

    def end(self, refusal: Refusal) -> Iterator[tuple[str, bytes]]:
        """The format's own end; before any chunk, where the format is not known yet, an exception."""
        if self._failed:
            return
        if self._map is None:
            yield exception(refusal)
            return
        yield from _chunks(self._map.end(refusal))


def _chunks(events: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    for _, data in events:
        if data != _NO_JSON:
            yield CHUNK, data


def _map_for(event: object) -> StreamMap | None:
    form = form_of_event(event)
    if form is not None:
        return form.stream_map()
    texts = format_of_event(event)
    return TextMap(texts) if texts is not None else None

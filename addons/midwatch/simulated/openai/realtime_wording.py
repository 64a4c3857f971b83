"""The names of the Realtime protocol's beta, for clients that ask for it by `OpenAI-Beta: realtime=v1`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

import orjson

from midwatch.simulated.call import Json

_BETA = {
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "conversation.item.added": "conversation.item.created",
}
_NOT_IN_BETA = frozenset({"conversation.item.done"})


class Wording:
    """Writes events down, numbered, in today's words or in the beta's."""

    def __init__(self, *, beta: bool) -> None:
        self.beta = beta
        self._numbers = count(1)

    def write(self, event: Json) -> bytes:
        """One message; empty for an event that the beta does not have."""
        kind = event["type"]
        if self.beta:
            if kind in _NOT_IN_BETA:
                return b""
            kind = _BETA.get(kind, kind)
        return orjson.dumps({**event, "type": kind, "event_id": f"event_{next(self._numbers)}"})

    def lines(self, events: Iterable[Json]) -> Iterator[bytes]:
        """The messages of an answer."""
        return (message + b"\n" for event in events if (message := self.write(event)))

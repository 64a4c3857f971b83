"""What a Realtime call's model reads: the session's settings, and what came since the last call. Bounded."""

from copy import copy
from dataclasses import dataclass

from midwatch_core.model.content import Json
from midwatch_core.wire.dialects.openai.realtime_items import audio_bytes_of

# More than a session's window holds; of more, the oldest is left out and the call says so.
_MAX_ITEMS = 512
_MAX_BYTES = 4 * 1024 * 1024
# A key for a browser; no setting.
_SECRETS = frozenset({"client_secret"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """All that one call reads. `size` is what it was on the wire, without sound; `dropped` where it was too much."""

    document: dict[str, Json]
    size: int
    audio_bytes: int
    dropped: bool


@dataclass(frozen=True, slots=True)
class _Item:
    value: Json
    size: int
    audio_bytes: int


class Conversation:
    """The settings in force and the items since the last call, each as it was on the wire but for its sound."""

    __slots__ = ("_audio_bytes", "_dropped", "_items", "_settings_size", "_size", "session")

    def __init__(self) -> None:
        # Neither is changed in place: a copy shares them.
        self.session: dict[str, Json] = {}
        self._items: tuple[_Item, ...] = ()
        self._settings_size = self._size = 0
        self._audio_bytes = 0
        self._dropped = False

    def copy(self) -> "Conversation":
        """The same, to come back to."""
        return copy(self)

    def configure(self, session: Json, size: int) -> None:
        """New settings, of a message `size` bytes long: those that it names replace what was there."""
        if not isinstance(session, dict) or size > _MAX_BYTES:
            return
        self._settings_size += size
        if self._settings_size > _MAX_BYTES:  # the server's next word on them is whole again
            self.session, self._settings_size = {}, size
        self.session = self.session | {key: value for key, value in session.items() if key not in _SECRETS}

    def write(self, item: Json, size: int) -> None:
        """An item that the model will read, of a message `size` bytes long."""
        item, audio_bytes = _without_audio(item)
        written = _Item(item, max(size - audio_bytes * 4 // 3, 0), audio_bytes)
        self._items = (*self._items, written)
        self._size += written.size
        while len(self._items) > _MAX_ITEMS or (self._items and self._size > _MAX_BYTES):
            self._size -= self._items[0].size
            self._items = self._items[1:]
            self._dropped = True

    def hear(self, audio_bytes: int) -> None:
        """Sound that the model will hear."""
        self._audio_bytes += audio_bytes

    def take(self, response: Json, size: int) -> Turn:
        """What a call reads, `response` being its own settings (of a message `size` bytes long); the next begins anew.

        A response that brings its own `input` reads nothing else, and what is there stays for the next.
        """
        own = response if isinstance(response, dict) else {}
        given = own.get("input")
        if isinstance(given, list):
            parted = [_without_audio(item) for item in given]
            own = own | {"input": [item for item, _ in parted]}
            return self._turn(own, [], size, sum(count for _, count in parted), dropped=False)
        turn = self._turn(
            own,
            [item.value for item in self._items],
            self._size + size,
            self._audio_bytes + sum(item.audio_bytes for item in self._items),
            dropped=self._dropped,
        )
        self._items = ()
        self._size = self._audio_bytes = 0
        self._dropped = False
        return turn

    def _turn(self, own: dict[str, Json], items: list[Json], size: int, audio_bytes: int, *, dropped: bool) -> Turn:
        session = {key: value for key, value in self.session.items() if own.get(key) is None}
        document: dict[str, Json] = {"session": session, "items": items, "response": own}
        return Turn(document=document, size=size, audio_bytes=audio_bytes, dropped=dropped)


def _without_audio(item: Json) -> tuple[Json, int]:
    """The item with its sound left out, and how many bytes that was."""
    content = item.get("content") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(content, list):
        return item, 0
    heard = sum(audio_bytes_of(part.get("audio")) for part in content if isinstance(part, dict))
    parts: list[Json] = [
        {key: value for key, value in part.items() if key != "audio"} if isinstance(part, dict) else part
        for part in content
    ]
    return item | {"content": parts}, heard

"""Input that a client queues for a response under way (`response.steer`), until a later call reads it.

See `ResponseSteerEvent` in OpenAI's WebSocket events
(https://developers.openai.com/api/reference/resources/responses/websocket-events).
"""

from midwatch_core.model.content import Json

_MAX_KEPT = 64
_MAX_KEPT_BYTES = 1024 * 1024


class Steering:
    """What is queued, by the response it steers; bounded, the oldest is forgotten first."""

    __slots__ = ("_before", "_queued")

    def __init__(self) -> None:
        # (id of the steered response, its items, their size in bytes)
        self._queued: list[tuple[Json, list[Json], int]] = []
        self._before = self._queued

    def keep(self) -> None:
        """What was done so far can't be undone any more."""
        self._before = self._queued

    def undo(self) -> None:
        """Take back what was done since the last `keep`."""
        self._queued = self._before

    def add(self, steer: dict[str, Json], size: int) -> None:
        """A client's message, `size` bytes long."""
        given = steer.get("input")
        items: list[Json] = given if isinstance(given, list) else [given] if given else []
        queued = [*self._queued, (steer.get("previous_response_id"), items, size)][-_MAX_KEPT:]
        while queued and sum(size for _, _, size in queued) > _MAX_KEPT_BYTES:
            queued = queued[1:]
        self._queued = queued

    def take(self, response_id: Json) -> list[Json]:
        """The items queued for the successor of this response, in their order."""
        if not self._queued:
            return []
        taken = [item for steered, items, _ in self._queued if steered == response_id for item in items]
        self._queued = [entry for entry in self._queued if entry[0] != response_id]
        return taken

"""Which answers a call of MCP waits for, and where the messages of its answer stand. JSON-RPC 2.0 (jsonrpc.org)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

from midwatch_core.model.content import Json
from midwatch_core.wire.node import Node, Trouble

type Id = int | str

# More than any client asks at once.
_MAX_IDS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """The ids of a call's requests: none where it only notifies, answers, or listens to what the server says.

    `batch` where they were sent in an array (2025-03-26). `here` where their answers come in the answer to this very
    call; the older transport (2024-11-05) sends them on the stream that the client listens to.
    """

    ids: tuple[Id, ...] = ()
    batch: bool = False
    here: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One message of a stream: `node` at its place in the record, `pointer` its place in the event's document.

    `answers` is the id of the request it answers, None for a request or a notification of the server.
    """

    node: Node
    pointer: str
    answers: Id | None


def awaited_by(document: Json, *, here: bool) -> Awaited:
    """What the client waits for after it has sent `document`."""
    batch = isinstance(document, list)
    asked: dict[Id, None] = {}
    for message in document if isinstance(document, list) else [document]:
        if isinstance(message, dict) and "method" in message and _is_id(asked_as := message.get("id")):
            asked[asked_as] = None
    return Awaited(ids=tuple(asked)[:_MAX_IDS], batch=batch, here=here)


class Messages:
    """Gives the messages of one stream their places: the one awaited answer stands at the top, as in a body sent whole.

    All others stand in the order in which they came, below `/messages`.
    """

    __slots__ = ("_awaited", "_came")

    def __init__(self, awaited: Awaited) -> None:
        self._awaited = awaited
        self._came = 0

    def of(self, document: Any, trouble: Trouble) -> Iterator[Placed]:
        """The messages in an event's document; `trouble` notes what is none."""
        batch = isinstance(document, list)
        for index, message in enumerate(document if batch else [document]):
            if type(message) is dict and "jsonrpc" in message:
                yield self._place(message, f"/{index}" if batch else "", trouble)
            else:
                trouble.note("no message of JSON-RPC in an event")

    def _place(self, message: dict[str, Any], pointer: str, trouble: Trouble) -> Placed:
        answers = answered_by(message)
        if answers is not None and self._awaited.ids == (answers,) and not pointer:
            return Placed(node=Node(message, trouble), pointer=pointer, answers=answers)
        number, self._came = self._came, self._came + 1
        among = Node(None, trouble, Node(None, trouble), "messages")
        return Placed(node=Node(message, trouble, among, number), pointer=pointer, answers=answers)


def answered_by(message: dict[str, Any]) -> Id | None:
    """The id of the request that a message answers, None where it answers none."""
    value = message.get("id")
    return value if ("result" in message or "error" in message) and _is_id(value) else None


def _is_id(value: object) -> TypeGuard[Id]:
    """True and false are no numbers here."""
    return type(value) in (int, str)

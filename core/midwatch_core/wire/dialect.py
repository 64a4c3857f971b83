"""The contract of a dialect: one provider protocol, read and (for answers of our own) written."""

from collections.abc import Mapping
from typing import Protocol, cast, runtime_checkable

from midwatch_core.model.content import Json, Operation, Request, Response
from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.editing.slot import StreamMap
from midwatch_core.wire.node import Node
from midwatch_core.wire.refusal import Answer, Refusal
from midwatch_core.wire.target import Target


class StreamReader(Protocol):
    """A dialect's reading of one streamed answer: it keeps what it needs between events and fills the assembly.

    `event` may let TypeError, KeyError, IndexError, AttributeError and ValueError escape on an event of a shape it
    does not know: the stream decoder notes it with the event's number and goes on with the next.
    """

    def event(self, name: str, data: bytes) -> None:
        """Read one event: its SSE name (empty where there is none) and its data, usually JSON."""
        ...

    def end(self) -> None:
        """The transport ended in order: protocols without a terminal event of their own set `complete` here."""
        ...


class Dialect(Protocol):
    """One wire format. Stateless; registered under `id`, which the catalogue of providers names."""

    id: str
    operation: Operation

    def read_request(self, body: Node, target: Target) -> Request:
        """What the client asked. Reads what it can; trouble is noted by the nodes, nothing is raised."""
        ...

    def read_response(self, body: Node, status: int) -> Response:
        """What the provider answered in one piece, an error body included."""
        ...

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """A reader for one streamed answer."""
        ...

    def stream_map(self) -> StreamMap | None:
        """Where the texts of one streamed answer stand and how it is ended early; None where none is ever streamed."""
        ...

    def refuse(self, refusal: Refusal) -> Answer:
        """An answer of ours in the provider's error shape, which its client libraries raise as their typed error."""
        ...

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """The same inside a stream that has begun: the error event and whatever ends the stream in order."""
        ...


@runtime_checkable
class HeadReader(Protocol):
    """A dialect whose answers say in their headers what their bodies may lack."""

    def with_head(self, response: Response, headers: Mapping[str, str]) -> Response:
        """The answer with what its headers say of it; names are in lower case (see `ResponseHead`)."""
        ...


@runtime_checkable
class CallDialect(Protocol):
    """A dialect whose answers name the requests that they answer: it is bound to a call when that begins."""

    def bound(self, document: Json, target: Target) -> Dialect:
        """The dialect for the call whose request has this document; None where that could not be read."""
        ...


@runtime_checkable
class BodyReader(Protocol):
    """A dialect whose bodies are not all JSON: it makes the documents itself that it reads, and that paths lead into.

    Both give what could be read and what stopped that, if anything did; neither raises. An error's body is JSON.
    """

    def request_document(self, plain: bytes, target: Target) -> tuple[Json, str | None]:
        """The document of a request's body without its content encoding; it may be empty."""
        ...

    def answer_document(self, plain: bytes) -> tuple[Json, str | None]:
        """The document of an answer's body, which is not empty."""
        ...


# Asked for every call: `isinstance` with a protocol takes microseconds, its first method's name tells as much.


def body_reader(dialect: Dialect) -> BodyReader | None:
    """The dialect, where it makes the documents of its bodies itself."""
    return cast(BodyReader, dialect) if hasattr(dialect, "request_document") else None


def call_dialect(dialect: Dialect) -> CallDialect | None:
    """The dialect, where it is to be bound to each call."""
    return cast(CallDialect, dialect) if hasattr(dialect, "bound") else None


__all__ = ["Answer", "BodyReader", "CallDialect", "Dialect", "HeadReader", "Refusal", "StreamReader"]

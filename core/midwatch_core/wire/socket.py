"""The contract of a protocol over WebSocket: messages of both sides in, the calls among them out. Sans-I/O."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from midwatch_core.wire.decoding import DecodedRequest
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.target import Target

# As ResponseHead.content_type: each chunk that is fed is one message, and one event of the answer.
MESSAGES = "application/x-websocket-messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a client's message says.

    `own` are the texts of this message itself, at their places in it: what policy rules on before it goes out; None
    where it has none. `begins` is the call that the message asks an answer for, with all that the model reads, None
    where it asks for none. Where the message is the whole request, both are the same object.
    """

    own: DecodedRequest | None = None
    begins: DecodedRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a server's message says: the number of the call that it answers, None where it answers none.

    Calls are numbered from 0 in the order in which they began, by either side. `begins` is a call that nobody asked
    for by a message (speech was heard to end); its number is then in `call`.
    """

    call: int | None = None
    begins: DecodedRequest | None = None


NOTHING_SAID = Said()
NOTHING_HEARD = Heard()


class SocketReader(Protocol):
    """One socket's conversation. It remembers what calls to come need, within bounds. Never raises.

    Messages are UTF-8 text; binary ones are not given to it.
    """

    def sent(self, message: bytes) -> Said:
        """The client sent a message."""
        ...

    def received(self, message: bytes) -> Heard:
        """The server sent a message. Binary parts of it (audio) are counted by its dialect, not decoded."""
        ...

    def refused(self) -> None:
        """The last `sent` did not go out: no answer to the call it began will come, and what it said is forgotten.

        The call's number stays taken.
        """
        ...

    def cancel(self, call: int) -> bytes | None:
        """A message that makes the server stop this call's answer; None where the protocol has none."""
        ...


@runtime_checkable
class SocketDialect(Dialect, Protocol):
    """A dialect that is also spoken over WebSocket: a call's answer is read by its `stream_reader`, event by event."""

    def socket_reader(self, target: Target) -> SocketReader:
        """A reader for one socket."""
        ...

    def refuse_on_socket(self, refusal: Refusal) -> tuple[bytes, ...]:
        """Messages to the client in place of a call's answer: an error of ours.

        An answer under way is better ended by the stream editor's `cut`, whose map knows what the client has of it.
        """
        ...

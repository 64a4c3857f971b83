"""Documents: messages and entries as JSON, as the outbox keeps them."""

from pydantic import TypeAdapter, ValidationError

from midwatch_alerts.entry import Entry
from midwatch_alerts.message import Message

_MESSAGE = TypeAdapter(Message)
_ENTRY = TypeAdapter(Entry)


def message_document(message: Message) -> bytes:
    """A message as JSON."""
    return _MESSAGE.dump_json(message)


def message_of(document: bytes) -> Message | None:
    """The message of a document; None where it is none."""
    try:
        return _MESSAGE.validate_json(document)
    except ValidationError:
        return None


def entry_document(entry: Entry) -> bytes:
    """An entry as JSON."""
    return _ENTRY.dump_json(entry)


def entry_of(document: bytes) -> Entry | None:
    """The entry of a document; None where it is none."""
    try:
        return _ENTRY.validate_json(document)
    except ValidationError:
        return None

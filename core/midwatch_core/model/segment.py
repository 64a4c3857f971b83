"""Segments: every piece of text of a call, named by its part and its place in the body."""

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What a text is in a conversation. A closed list: packs, policies and `scan --where` lean on it."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    REASONING = "reasoning"
    TOOL_DEFINITION = "tool_definition"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    DOCUMENT = "document"
    EMBEDDING_INPUT = "embedding_input"


class Direction(StrEnum):
    """Which way a text travels."""

    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One text of a request or a response.

    `path` is a JSON Pointer (RFC 6901) to it in the body; for a streamed answer, the place it has in the equivalent
    unstreamed body. A value that is an object in the body (tool arguments, a tool's definition) is its compact JSON.
    `hash` is empty until the exchange is sealed: it is keyed by installation and scoped by tenant (see `sealing`).
    """

    part: Part
    path: str
    text: str
    hash: str = ""

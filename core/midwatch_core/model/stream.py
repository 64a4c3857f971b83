"""Stream events: what a streamed answer says, piece by piece."""

from dataclasses import dataclass
from enum import StrEnum

from midwatch_core.model.content import FinishReason, ProviderError
from midwatch_core.model.usage import Usage


class StreamKind(StrEnum):
    """What a stream event carries."""

    TEXT = "text"
    REASONING = "reasoning"
    TOOL_ARGUMENTS = "tool_arguments"
    TOOL_RESULT = "tool_result"  # what tools run by the provider, or documents, brought into the answer
    USAGE = "usage"
    FINISH = "finish"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One piece of a streamed answer. Neighbouring deltas of one text that came in one read are one event.

    `path` is the segment's, for the four kinds that carry `text`.
    """

    kind: StreamKind
    path: str = ""
    text: str = ""
    usage: Usage | None = None
    finish_reason: FinishReason | None = None
    error: ProviderError | None = None

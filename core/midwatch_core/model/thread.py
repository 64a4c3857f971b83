"""How an exchange stands in its conversation, and the tools that ran between two exchanges of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LinkedBy(StrEnum):
    """What told that an exchange belongs to its trace; `alone` where nothing did."""

    TRACEPARENT = "traceparent"
    SESSION = "session"
    RESPONSE = "response"  # previous_response_id, or a conversation that the provider keeps
    CHAIN = "chain"  # its messages begin with those of an earlier exchange, and its answer
    ALONE = "alone"


class Turn(StrEnum):
    """What an exchange is to the conversation before it."""

    FIRST = "first"  # begins a history of its own; a trace may hold several (a title asked for beside the talk)
    NEXT = "next"
    BRANCH = "branch"  # goes on from an earlier place: an answer asked for again, a question edited, a subagent
    COMPACTION = "compaction"  # the same conversation, with what went before told in short


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """An exchange's place in its trace.

    `parent_id` is the exchange that it goes on from, or that waits for what it does (a subagent's first); None for a
    first turn, and for a first question asked again.
    """

    linked_by: LinkedBy = LinkedBy.ALONE
    turn: Turn = Turn.FIRST
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpan:
    """One run of a tool by the client: called in one exchange's answer, its result in a later one's request.

    `started_at` is the end of the answer that called it, `ended_at` the moment the request with its result was there:
    what lies between is the tool and the client around it. Kept with the later exchange; `called_by` is the id of the
    earlier one, `path` the result's place in this request. `failed` where the result says so.
    """

    call_id: str | None
    name: str
    called_by: str
    started_at: datetime
    ended_at: datetime
    path: str
    failed: bool = False

    @property
    def duration_ms(self) -> float:
        """From the call to its result."""
        return max(0.0, (self.ended_at - self.started_at).total_seconds() * 1000)

"""Refusals: which status code an error is, and what the trailing metadata say of it."""

from dataclasses import dataclass
from typing import Any, Never

import grpc

from midwatch_core import (
    AccessDeniedError,
    IntakeError,
    IntakeFullError,
    MidwatchError,
    StorageError,
    StorageUnavailableError,
)
from midwatch_grpc.errors import AbsentServiceError, UnknownCallerError, UnreadableError

INDEX = "midwatch-index"
"""Trailing metadata: the first call at fault, counted from 0."""
TAKEN = "midwatch-taken"
"""Trailing metadata: how many calls of a stream were taken before it was refused."""

# The first that fits: a kind stands before what it is a kind of.
_CODES: tuple[tuple[type[MidwatchError], grpc.StatusCode], ...] = (
    (UnknownCallerError, grpc.StatusCode.UNAUTHENTICATED),
    (AccessDeniedError, grpc.StatusCode.PERMISSION_DENIED),
    (IntakeFullError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (IntakeError, grpc.StatusCode.INVALID_ARGUMENT),
    (UnreadableError, grpc.StatusCode.INVALID_ARGUMENT),
    (StorageUnavailableError, grpc.StatusCode.UNAVAILABLE),
    (StorageError, grpc.StatusCode.FAILED_PRECONDITION),
    (AbsentServiceError, grpc.StatusCode.UNIMPLEMENTED),
)
REFUSED: tuple[type[MidwatchError], ...] = tuple(kind for kind, _ in _CODES)
"""The errors that are a client's, or of the moment: told to the client, and no fault of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A status that is not OK."""

    code: grpc.StatusCode
    message: str
    index: int | None = None

    @classmethod
    def of(cls, error: MidwatchError) -> "Refusal":
        """For one of the errors REFUSED."""
        code = next(code for kind, code in _CODES if isinstance(error, kind))
        return cls(code=code, message=str(error), index=getattr(error, "index", None))

    def trailing(self, taken: int | None) -> tuple[tuple[str, str], ...]:
        """The metadata that go with it; `taken` is None where the method takes nothing one by one."""
        index = () if self.index is None else ((INDEX, str(self.index)),)
        return index if taken is None else (*index, (TAKEN, str(taken)))


OUR_FAULT = Refusal(code=grpc.StatusCode.INTERNAL, message="Midwatch failed inside; its log says how")


async def refuse(context: Any, refusal: Refusal, *, taken: int | None = None) -> Never:
    """End a request with a status. Raises gRPC's AbortError, which a method lets pass."""
    await context.abort(refusal.code, refusal.message, refusal.trailing(taken))
    raise AssertionError("abort raises")

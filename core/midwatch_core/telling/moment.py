"""When a told call began, and its id: stable where its sender has a key of idempotency for it, else a new one."""

import hashlib
from datetime import UTC, datetime, timedelta

from midwatch_core.ids import uuid7
from midwatch_core.intake import IntakeError, ToldCall

# Clocks differ; a call of next week is a mistake.
_AHEAD = timedelta(days=1)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


def began(call: ToldCall, now: datetime) -> datetime:
    """When the call began, in UTC; now where its sender does not say. Raises IntakeError."""
    if call.started_at is None:
        if call.whose.key is not None:
            raise IntakeError("started_at: needed beside a key, for the call's id is made of both")
        return now
    at = call.started_at
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    if not _FIRST <= at <= now + _AHEAD:
        raise IntakeError("started_at: before the year 2000, or in the future")
    return at.astimezone(UTC)


def told_id(tenant: str, key: str | None, at: datetime) -> str:
    """A UUIDv7. With a key it is the same for the same tenant, key and moment, so that a call is stored once."""
    if key is None:
        return uuid7(at.timestamp())
    digest = hashlib.sha256()
    for part in (tenant, key, at.isoformat()):
        data = part.encode("utf-8", "replace")
        digest.update(len(data).to_bytes(8))
        digest.update(data)
    return uuid7(at.timestamp(), lambda count: digest.digest()[:count])

"""Tenants and keys to identify by, a clock that stands, and a store in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from midwatch_core.access.keys import key_digest, new_key
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.tenant import Tenant
from midwatch_memory.metadata import MemoryMetadata

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass
class StandingClock:
    """A clock that is moved by hand."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def move(self, by: timedelta) -> None:
        self.at += by


def tenant(name: str, **told: tuple[str, ...]) -> Tenant:
    return Tenant(name=name, created_at=NOW, **told)  # type: ignore[arg-type]


def key_of(
    tenant_name: str | None,
    *,
    role: AccessRole = AccessRole.CLIENT,
    agent: str | None = None,
    expires_at: datetime | None = None,
    revoked_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """A key in clear, and as it is kept."""
    made = new_key()
    return made.text, ApiKey(
        id=made.id,
        digest=key_digest(made.text),
        role=role,
        tenant=tenant_name,
        created_at=NOW,
        agent=agent,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
async def metadata() -> AsyncIterator[MemoryMetadata]:
    made = MemoryMetadata()
    await made.start()
    yield made
    await made.close()

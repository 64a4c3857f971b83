"""Settings of the stores: a profile, or any mix of URLs."""

from typing import Literal

from pydantic import Field

from midwatch_core.section import Section


class EncryptionSettings(Section):
    """Encryption of stored texts. Search in texts is off then."""

    key: str | None = Field(
        None,
        description="Key of stored texts, as ${VARIABLE} or ${file:PATH}; lines of 32 bytes in base64, the first "
        "encrypts, all decrypt.",
    )


class StorageSettings(Section):
    """Where the repositories are. `${VARIABLE}` and `${file:PATH}` stand for secrets in URLs; none is ever printed."""

    profile: Literal["lite", "memory", "production"] = Field(
        "lite",
        description="lite: SQLite in the home; memory: gone at exit; production: each URL is given, and migrations run "
        "only when asked for. A word alone is enough: `storage: lite`.",
    )
    traces: str | None = Field(None, description="URL of exchanges: sqlite, clickhouse, memory, or a plugin's own.")
    metadata: str | None = Field(None, description="URL of tenants, keys, audit log: sqlite, postgresql, memory.")
    cache: str | None = Field(None, description="URL of shared state: memory, redis, rediss, valkey.")
    encryption: EncryptionSettings = Field(default_factory=EncryptionSettings)


class BreakerSettings(Section):
    """When a store or a detector is left alone."""

    failures: int = Field(10, ge=1, description="Failures in a row that open a breaker.")
    open_s: float = Field(30.0, ge=0, description="Seconds it stays open.")
    probes: int = Field(3, ge=1, description="Tries that must succeed to close it.")

"""Settings of identity and access: whose a call is, and who may look."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from midwatch_core.access.fingerprint import LENGTH
from midwatch_core.access.networks import network_of
from midwatch_core.section import Section

# By what a call's tenant is learned, in the order that is asked unless configured.
type Source = Literal["proxy", "header", "network", "provider_key", "certificate"]
SOURCES: tuple[Source, ...] = ("proxy", "header", "network", "provider_key", "certificate")
_FINGERPRINT = re.compile(rf"[0-9a-f]{{{LENGTH}}}")


class IdentitySettings(Section):
    """Whose a call is."""

    order: tuple[Source, ...] = Field(
        SOURCES,
        description="By what a tenant is learned, first that tells: a key as proxy password, a key in X-Midwatch-Key, "
        "the client's network, the provider key's fingerprint, the client certificate's subject.",
    )
    required: bool = Field(
        False, description="Refuse calls that nobody claims; needed where the proxy listens beyond loopback."
    )
    agent_header: str = Field("x-midwatch-agent", description="Header that names the agent; never sent on.")
    user_header: str = Field("x-midwatch-user", description="Header that names the user; never sent on.")
    session_headers: tuple[str, ...] = Field(
        (), description="Headers in which clients of your own name their conversation; they come before the known ones."
    )
    client_ca: Path | None = Field(
        None, description="PEM file of CAs whose client certificates tell a tenant; none are asked for without it."
    )

    @field_validator("agent_header", "user_header")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()

    @field_validator("session_headers")
    @classmethod
    def _all_lower(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.lower() for name in value)


class AccessSettings(Section):
    """Who may look at the console and REST."""

    console: Literal["auto", "always", "never"] = Field(
        "auto", description="Ask for a key: auto is wherever the console is not on loopback."
    )
    admin_key: str | None = Field(
        None,
        description="The first admin key, as ${VARIABLE} or ${file:PATH}; one is made and shown once if none is given.",
    )
    session_hours: float = Field(12, gt=0, le=24 * 30, description="Hours a browser stays signed in.")


class TenantSettings(Section):
    """A tenant that stands in the configuration."""

    title: str = Field("", description="What people read.")
    networks: tuple[str, ...] = Field((), description="CIDR ranges its clients come from; the longest prefix counts.")
    provider_keys: tuple[str, ...] = Field((), description="Fingerprints of its provider keys, never the keys.")
    certificates: tuple[str, ...] = Field((), description="Subjects of its client certificates.")
    retention_days: float | None = Field(None, gt=0, description="Days its exchanges are kept, if not the usual.")

    @field_validator("networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            network_of(text)
        return value

    @field_validator("provider_keys")
    @classmethod
    def _fingerprints(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(_FINGERPRINT.fullmatch(text) is None for text in value):
            raise ValueError(f"a fingerprint is {LENGTH} hex digits, never the provider's key itself")
        return value

    @field_validator("certificates")
    @classmethod
    def _subjects(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not text.strip() for text in value):
            raise ValueError("a certificate's subject can't be empty")
        return value


def check_apart(tenants: Mapping[str, TenantSettings]) -> None:
    """Raises ValueError where two tenants claim the same: whose a call is would be left to chance."""
    claimed: dict[tuple[str, object], str] = {}
    for name, tenant in tenants.items():
        if not name:
            raise ValueError("a tenant's name can't be empty")
        for claim in _claims(tenant):
            other = claimed.setdefault(claim, name)
            if other != name:
                raise ValueError(f"{other!r} and {name!r} both have {claim[0]} {claim[1]}")


def _claims(tenant: TenantSettings) -> Iterator[tuple[str, object]]:
    yield from (("network", network_of(text)) for text in tenant.networks)
    yield from (("provider key", text) for text in tenant.provider_keys)
    yield from (("certificate", text) for text in tenant.certificates)

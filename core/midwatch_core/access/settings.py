"""Settings of identity and access: whose a call is, and who may look."""

from typing import Literal

from pydantic import Field, field_validator

from midwatch_core.section import Section

# By what a call's tenant is learned, in the order that is asked unless configured.
type Source = Literal["proxy", "header", "network", "provider_key", "certificate"]
SOURCES: tuple[Source, ...] = ("proxy", "header", "network", "provider_key", "certificate")


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

    @field_validator("agent_header", "user_header")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()


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

    title: str = ""
    networks: tuple[str, ...] = ()
    provider_keys: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    retention_days: float | None = Field(None, gt=0)

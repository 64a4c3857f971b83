"""Settings of the inventory of AI hosts, and of clients that refuse our certificate."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from midwatch_core.section import Section
from midwatch_core.wire.catalogue import AiHostSpec


class InventorySettings(Section):
    """Which hosts of AI services are counted, and what is known of them."""

    enabled: bool = Field(True, description="Whether connections to hosts of AI services are counted (see `hosts`).")
    hosts: tuple[AiHostSpec, ...] = Field(
        (), description="Services of your own to count: name, title, hosts. They are not decrypted for that."
    )
    approved: tuple[str, ...] = Field(
        (), description="Hosts that are no shadow AI, beside the providers'; `*` stands for any labels."
    )
    unapproved: tuple[str, ...] = Field((), description="Hosts that are shadow AI, also a provider's.")
    retention_days: float | None = Field(90, gt=0, description="Days since it was last seen that a line is kept.")


class TlsSettings(Section):
    """Our CA where it comes from outside, and clients that refuse it: they pin the real one, or do not trust ours."""

    ca: tuple[Path, ...] = Field(
        (),
        description="PEM files of a CA from outside: its key, its certificate, the chain to its root. Instead of the"
        " home's own.",
    )

    pinned: Literal["pass", "refuse"] = Field(
        "pass", description="Their next try: passed through unread, or refused like the first."
    )
    pinned_hours: float = Field(24, gt=0, le=24 * 365, description="Hours until they are asked to trust us again.")

    @field_validator("ca", mode="before")
    @classmethod
    def _files(cls, value: object) -> object:
        return (value,) if isinstance(value, str | Path) else value

"""Settings of where the proxy connects to for its clients: whether addresses of private networks are among it."""

import ipaddress
from typing import Literal

from pydantic import Field, field_validator

from midwatch_core.section import Section


class DestinationSettings(Section):
    """Which destinations are refused. Those that the configuration names itself are not: see docs/edges.md."""

    private: Literal["auto", "refuse", "allow"] = Field(
        "auto",
        description="Loopback, link-local, metadata and private addresses; auto: refused where others reach us.",
    )
    allow: tuple[str, ...] = Field(
        (), description="Hosts (`*` stands for any labels), addresses and networks that are allowed all the same."
    )

    @field_validator("allow")
    @classmethod
    def _each_is_one(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            if "/" in item:
                ipaddress.ip_network(item)  # a ValueError says what is wrong with it
            elif not item or item != item.strip():
                raise ValueError("an entry is a host, an address or a network, such as 10.0.0.0/8")
        return value

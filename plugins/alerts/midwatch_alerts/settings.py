"""The section `alerts` of the configuration: which channels there are, what goes to which, and how often."""

from collections.abc import Iterable, Sequence
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from midwatch_alerts.channels.settings import ChannelSettings, check_names
from midwatch_core import Section, Severity


class Route(Section):
    """What goes to which channels. What is not given asks nothing."""

    channels: tuple[str, ...] = Field(min_length=1, max_length=20, description="Names of channels.")
    severity: Severity = Field(Severity.INFO, description="The least severity.")
    category: str | None = Field(None, description="One category: anomaly, breaker, budget, finding, …")
    tenant: str | None = Field(None, description="One tenant's alerts alone.")
    escalate_to: tuple[str, ...] = Field(
        (), max_length=20, description="Channels that are told where nobody has acknowledged after `after_s`."
    )
    after_s: float = Field(
        900.0, ge=1, le=7 * 86_400, description="Seconds from the first message until `escalate_to` is told."
    )
    go_on: bool = Field(False, description="Look at the routes below as well; the first that fits is the last if not.")


class Settings(Section):
    """The section `alerts`. Without channels nothing is sent."""

    console_url: str | None = Field(
        None, description="Where people reach the console, for links in messages: https://midwatch.example."
    )
    installation: str = Field(
        "Midwatch", min_length=1, max_length=60, description="What messages call this installation."
    )
    channels: tuple[ChannelSettings, ...] = Field(
        (), max_length=50, description="Where messages go: a `name`, a `kind`, and what the kind needs."
    )
    routes: tuple[Route, ...] = Field(
        (), max_length=100, description="What goes where; the first that fits. Without any, all goes to all channels."
    )
    group_s: float = Field(
        30.0, ge=0, le=3_600, description="Seconds to gather what belongs together. The first critical one never waits."
    )
    cooldown_s: float = Field(
        3_600.0,
        ge=0,
        le=7 * 86_400,
        description="Seconds until a channel is told of the same trouble anew, unless it is worse.",
    )
    digest_s: float = Field(
        3_600.0,
        ge=0,
        le=7 * 86_400,
        description="Seconds of info and low alerts that go out as one digest; 0 for none.",
    )
    rate_per_minute: int = Field(
        30, ge=0, le=100_000, description="Messages to a channel in a minute; more wait. 0 for no limit."
    )

    @field_validator("console_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        plain = value.isascii() and value.isprintable() and " " not in value
        if not plain or parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("a URL is https://HOST or https://HOST/PATH")
        return value.rstrip("/")

    @field_validator("channels")
    @classmethod
    def _apart(cls, value: tuple[ChannelSettings, ...]) -> tuple[ChannelSettings, ...]:
        check_names(value)
        return value

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = {channel.name for channel in self.channels}
        for route in self.routes:
            _check_known([*route.channels, *route.escalate_to], known)
        return self


def _check_known(names: Sequence[str], known: Iterable[str]) -> None:
    """Raises ValueError for a channel that is none."""
    there = sorted(known)
    for name in names:
        if name not in there:
            raise ValueError(f"routes: there is no channel {name!r}; there are: {', '.join(there) or 'none'}")

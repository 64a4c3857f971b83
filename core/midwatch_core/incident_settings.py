"""Settings of incidents: which findings become some, when they are over, and how long they are kept."""

from typing import Literal

from pydantic import Field, field_validator

from midwatch_core.section import Section


class IncidentSettings(Section):
    """What is told of, beside Midwatch's own troubles and budgets."""

    findings: Literal["info", "low", "medium", "high", "critical", "off"] = Field(
        "high", description="Findings of this severity or worse raise an alert: info to critical, or off."
    )
    quiet_s: float = Field(
        900, gt=0, le=7 * 86400, description="Seconds without a further finding after which its alert is over."
    )
    keep_days: float | None = Field(90, gt=0, description="Days an alert is kept once it is over; null keeps it.")

    @field_validator("findings", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        return "off" if value is False else value  # so YAML reads a bare `off`

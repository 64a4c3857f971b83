"""The section `anomaly.loops` of the configuration."""

from pydantic import Field

from midwatch_core import Section


class LoopLimits(Section):
    """When something repeats so often that it is a loop."""

    enabled: bool = Field(True, description="Whether loops are looked for.")
    repeats: int = Field(
        5,
        ge=3,
        le=1000,
        description="So often in a row the same is done, and brings the same. In a cycle of two or three steps one or "
        "two times fewer are enough, but never fewer than three.",
    )
    lax_factor: int = Field(
        5,
        ge=1,
        le=100,
        description="So many times as often where each time brings something else, or where the agent waits in "
        "between: that is how polling looks.",
    )
    window_s: float = Field(
        600.0, gt=0, le=86_400, description="So many repeats come within so many seconds, or faster."
    )
    wait_s: float = Field(
        10.0, gt=0, le=3600, description="So long between an answer and the next request, on the average, is waiting."
    )

    def needed(self, period: int) -> int:
        """How often a cycle of so many steps has to be gone through."""
        return max(3, self.repeats - period + 1)

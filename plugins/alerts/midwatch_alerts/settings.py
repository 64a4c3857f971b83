"""The section `alerts` of the configuration."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """All have defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

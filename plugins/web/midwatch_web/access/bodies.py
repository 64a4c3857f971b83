"""What programs send of tenants and keys, checked as it comes in."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from midwatch_core import AccessRole, TenantSettings
from midwatch_web.serving.answers import utc

MOST_DAYS = 36_500
"""Longer than anything is kept, and short enough to be counted with."""

_LONGEST = 200
_A_YEAR_S = 366 * 86400
# A tenant's name, as `access.claims` has it.
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

type Name = Annotated[str, Field(pattern=_NAME)]
type Days = Annotated[float, Field(gt=0, le=MOST_DAYS, description="Days its exchanges are kept; null: as all are.")]


class TenantBody(TenantSettings):
    """By what a tenant is known besides its keys, and how long its calls are kept."""

    title: str = Field("", max_length=_LONGEST, description="What people read.", examples=["Acme Ltd"])
    retention_days: Days | None = None


class NewTenant(TenantBody):
    """A tenant to be added."""

    name: Name = Field(description="What calls and keys name it by.", examples=["acme"])


class NewKey(BaseModel):
    """A key to be made. Without a tenant it is the installation's, and sees all."""

    model_config = ConfigDict(extra="forbid")

    role: AccessRole = Field(description="What its holder may do.", examples=["client"])
    tenant: Name | None = Field(None, description="Whose it is.", examples=["acme"])
    label: str = Field("", max_length=_LONGEST, description="What people know it by.", examples=["nightly"])
    agent: str | None = Field(None, max_length=_LONGEST, description="The agent of calls made with it.")
    expires_at: Annotated[datetime, AfterValidator(utc)] | None = Field(
        None, description="Until when it is valid, UTC where it has no offset; null is for good."
    )


class Rotation(BaseModel):
    """How long the old key lives on beside the new one."""

    model_config = ConfigDict(extra="forbid")

    grace_s: float = Field(86400, ge=0, le=_A_YEAR_S, description="Seconds; 0 ends the old one now.")

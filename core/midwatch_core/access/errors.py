"""What goes wrong when tenants and keys are administered."""

from midwatch_core.errors import MidwatchError


class AdministrationError(MidwatchError):
    """What was asked of tenants or keys can't be done: the message says why."""


class AccessDeniedError(AdministrationError):
    """The caller's role or tenant does not allow what was asked."""

"""The one error of rule packs."""

from midwatch_core.errors import ConfigError


class RulePackError(ConfigError):
    """A pack can't be used: one line naming file, rule and key, and what is wrong with it."""

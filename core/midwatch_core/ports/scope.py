"""Whose exchanges a query may see."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose exchanges a query may see: some tenants, or with None all (an operator)."""

    tenants: frozenset[str] | None = None

    def allows(self, tenant: str) -> bool:
        """Whether this tenant's data is inside."""
        return self.tenants is None or tenant in self.tenants

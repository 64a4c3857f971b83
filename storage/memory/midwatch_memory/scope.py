"""Scope and limit of a question."""

from midwatch_core import Scope, StorageError


def within(scope: Scope, tenant: str | None) -> bool:
    """Whether what is this tenant's is in scope: what has no tenant is in a scope of all only."""
    return scope.tenants is None or (tenant is not None and scope.allows(tenant))


def check_limit(limit: int, what: str) -> None:
    """Raises StorageError for a page that would hold nothing."""
    if limit < 1:
        raise StorageError(f"a page of {limit} {what}: at least 1 is needed")

"""Callers: what each role may do, whom it sees, and which roles it may give."""

import pytest

from midwatch_core.access.caller import LOCAL, Caller, Permission
from midwatch_core.model.apikey import AccessRole
from midwatch_core.ports import Scope

# From the narrowest: each role may do what those before it may, and more.
ROLES = (AccessRole.CLIENT, AccessRole.VIEWER, AccessRole.OPERATOR, AccessRole.ADMIN)
PERMISSIONS = (Permission.CALL, Permission.READ, Permission.OPERATE, Permission.ADMINISTER)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_one_thing_more_than_the_one_before(role: AccessRole) -> None:
    caller, rank = Caller(name="k", role=role), ROLES.index(role)
    assert [caller.may(permission) for permission in PERMISSIONS] == [at <= rank for at in range(4)]
    assert [caller.may_grant(other) for other in ROLES] == [at <= rank for at in range(4)]


def test_a_tenants_caller_sees_that_tenant_alone() -> None:
    assert Caller(name="k", role=AccessRole.ADMIN, tenant="acme").scope == Scope(tenants=frozenset({"acme"}))
    assert Caller(name="k", role=AccessRole.CLIENT).scope == LOCAL.scope == Scope()

"""The doorkeeper: a key opens a face as long as it is valid, and what is revoked now opens nothing now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.directory import Directory
from midwatch_core.access.doorkeeper import Doorkeeper
from midwatch_core.model.apikey import AccessRole, ApiKey
from tests.core.access.conftest import NOW, StandingClock, key_of, tenant

TEXT, KEY = key_of("acme", role=AccessRole.VIEWER, expires_at=NOW + timedelta(hours=1))


def directory(*keys: ApiKey) -> Directory:
    return Directory(tenants=(tenant("acme"),), keys=keys)


@pytest.mark.parametrize("role", AccessRole)
@pytest.mark.parametrize("whose", [None, "acme"])
def test_a_key_brings_its_role_and_tenant(role: AccessRole, whose: str | None, clock: StandingClock) -> None:
    text, key = key_of(whose, role=role)
    doorkeeper = Doorkeeper(lambda: directory(key), clock, required=True)
    caller = doorkeeper.caller(text)
    assert caller == Caller(name=key.id, role=role, tenant=whose)
    assert doorkeeper.still(caller)


@pytest.mark.parametrize(
    "shown",
    ["", "local", "password", KEY.id, KEY.digest, TEXT[:-1], TEXT + "x", "mw_" + "a" * 50],
    ids=["nothing", "local", "a password", "its id", "its digest", "cut short", "too long", "made up"],
)
def test_nothing_else_is_a_key(shown: str, clock: StandingClock) -> None:
    assert Doorkeeper(lambda: directory(KEY), clock, required=True).caller(shown) is None


@pytest.mark.parametrize(
    "now",
    [
        directory(),
        directory(replace(KEY, revoked_at=NOW)),
        directory(replace(KEY, expires_at=NOW)),
        directory(replace(KEY, role=AccessRole.CLIENT)),
        directory(replace(KEY, tenant=None)),
    ],
)
def test_a_caller_of_before_goes_when_its_key_changes(now: Directory, clock: StandingClock) -> None:
    held = [directory(KEY)]
    doorkeeper = Doorkeeper(lambda: held[0], clock, required=True)
    caller = doorkeeper.caller(TEXT)
    assert caller is not None
    assert doorkeeper.still(caller)
    held[0] = now
    assert not doorkeeper.still(caller)


def test_a_caller_of_before_goes_when_its_key_expires(clock: StandingClock) -> None:
    doorkeeper = Doorkeeper(lambda: directory(KEY), clock, required=True)
    caller = doorkeeper.caller(TEXT)
    assert caller is not None
    clock.move(timedelta(hours=1))
    assert not doorkeeper.still(caller)
    assert doorkeeper.caller(TEXT) is None


def test_the_machines_own_user_comes_in_where_no_key_is_asked_for(clock: StandingClock) -> None:
    for required in (True, False):
        doorkeeper = Doorkeeper(directory, clock, required=required)
        assert (doorkeeper.required, doorkeeper.still(LOCAL)) == (required, not required)

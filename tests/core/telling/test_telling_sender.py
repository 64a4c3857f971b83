"""Whose a told call is, and its id."""

import pytest

from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.intake import IntakeError, Whose
from midwatch_core.telling.moment import told_id
from tests.core.telling.sending import ACME, ALL, NOW, sender, told, wire


@pytest.mark.parametrize(
    ("caller", "named", "tenant", "key_id"),
    [
        (LOCAL, None, "default", None),
        (LOCAL, "lab", "lab", None),
        (ACME, None, "acme", "ak1"),
        (ACME, "acme", "acme", "ak1"),
        (ALL, None, "default", "ak2"),
        (ALL, "default", "default", "ak2"),
        (ALL, "lab", "lab", None),
    ],
)
def test_a_call_is_its_sender_s_tenant_s(caller: Caller, named: str | None, tenant: str, key_id: str | None) -> None:
    identity = sender(caller).identity(Whose(tenant=named))
    assert (identity.tenant, identity.key_id) == (tenant, key_id)
    assert identity.learned_from["tenant"] == "rest"


def test_a_sender_of_one_tenant_has_no_other() -> None:
    with pytest.raises(AccessDeniedError):
        sender(ACME).identity(Whose(tenant="lab"))


def test_nobody_tells_calls_of_a_tenant_that_is_not_there() -> None:
    with pytest.raises(IntakeError, match="nobody"):
        sender(ALL).identity(Whose(tenant="nobody"))


def test_the_application_is_by_its_user_agent_where_nobody_says() -> None:
    identity = sender().identity(Whose(user="ann"), "claude-cli/1.0.83 (external, cli)")
    assert (identity.app, identity.user) == ("claude-cli", "ann")
    assert identity.learned_from == {"tenant": "rest", "user": "rest", "app": "user-agent"}
    assert sender().identity(Whose(app="cron"), "claude-cli/1.0.83").app == "cron"


def test_with_a_key_the_id_is_the_same_and_another_for_another() -> None:
    first = told_id("acme", "k", NOW)
    assert first == told_id("acme", "k", NOW)
    others = {told_id("lab", "k", NOW), told_id("acme", "l", NOW), told_id("acme", None, NOW)}
    assert len(others | {first}) == 4
    assert first[14] == "7"


def test_without_a_key_every_call_is_another() -> None:
    assert told(wire(started_at=NOW)).id != told(wire(started_at=NOW)).id


def test_equal_texts_of_two_tenants_have_different_hashes() -> None:
    (ours,), (theirs,) = (told(wire(), caller).request.segments for caller in (ACME, ALL))
    assert ours.text == theirs.text
    assert ours.hash != theirs.hash

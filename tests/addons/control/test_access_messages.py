"""Administering over the socket: every message and its answer, and no message that breaks it."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midwatch.control.administering import OPERATIONS, administer
from midwatch_core.access.administering import Administration
from midwatch_core.access.keys import id_of
from midwatch_core.clock import SystemClock
from midwatch_core.model.tenant import Tenant
from midwatch_memory.metadata import MemoryMetadata

CLOCK = SystemClock()


@pytest.fixture
async def administration() -> AsyncIterator[Administration]:
    metadata = MemoryMetadata()
    await metadata.start()
    configured = (Tenant(name="default", created_at=CLOCK.now(), configured=True),)
    yield Administration(metadata, CLOCK, configured=lambda: configured)
    await metadata.close()


async def test_a_tenants_life(administration: Administration) -> None:
    async def ask(op: str, **told: Any) -> dict[str, Any]:
        return await administer(administration, {"op": op, **told})

    added = (await ask("tenant_add", name="acme", title="Acme", networks=["10.0.0.0/8"], retention_days=7))["row"]
    assert (added["name"], added["title"], added["networks"], added["retention_days"], added["configured"]) == (
        "acme",
        "Acme",
        ["10.0.0.0/8"],
        7.0,
        False,
    )
    changed = (await ask("tenant_set", name="acme", networks=[], certificates=["CN=a"], retention_days=None))["row"]
    assert changed == added | {"networks": [], "certificates": ["CN=a"], "retention_days": None}
    assert [row["name"] for row in (await ask("tenants"))["rows"]] == ["default", "acme"]
    await ask("key_create", role="client", tenant="acme")
    assert await ask("tenant_remove", name="acme") == {"revoked": 1}
    assert [row["name"] for row in (await ask("tenants"))["rows"]] == ["default"]


async def test_a_keys_life(administration: Administration) -> None:
    async def ask(op: str, **told: Any) -> dict[str, Any]:
        return await administer(administration, {"op": op, **told})

    made = await ask(
        "key_create", role="viewer", tenant="default", label="Ada", agent="a", expires_at="2200-01-01T00:00Z"
    )
    assert id_of(made["key"]) == made["row"]["id"]
    assert (made["row"]["role"], made["row"]["state"], made["row"]["expires_at"]) == (
        "viewer",
        "valid",
        "2200-01-01T00:00:00+00:00",
    )
    successor = await ask("key_rotate", id=made["row"]["id"], grace_s=0)
    assert successor["key"] != made["key"]
    assert (await ask("key_revoke", id=successor["row"]["id"]))["row"]["state"] == "revoked"
    rows = (await ask("keys"))["rows"]
    assert [row["state"] for row in rows] == ["expired", "revoked"]
    assert not any("digest" in row or made["key"] in row.values() for row in rows)


async def test_the_audit_log_is_read_and_verified(administration: Administration) -> None:
    await administer(administration, {"op": "tenant_add", "name": "acme"})
    for tenant in ("acme", "default", None):
        await administer(administration, {"op": "key_create", "role": "client", "tenant": tenant})
    rows = (await administer(administration, {"op": "audit"}))["rows"]
    assert [(row["number"], row["action"], row["tenant"]) for row in rows] == [
        (4, "key.create", None),
        (3, "key.create", "default"),
        (2, "key.create", "acme"),
        (1, "tenant.add", "acme"),
    ]
    assert {row["actor"] for row in rows} == {"local"}
    page = await administer(administration, {"op": "audit", "limit": 1, "before": 2, "tenant": "acme"})
    assert [row["number"] for row in page["rows"]] == [1]
    assert await administer(administration, {"op": "audit_verify"}) == {"entries": 4, "anchored": None, "fault": None}


async def test_what_a_plugin_s_command_is_about_to_do_is_put_on_record(administration: Administration) -> None:
    note = {"op": "audit_note", "action": "alert.retry", "subject": "m-1", "details": {"channel": "ops"}}
    assert await administer(administration, note) == {"noted": True}
    (row,) = (await administer(administration, {"op": "audit"}))["rows"]
    assert (row["actor"], row["action"], row["subject"], row["details"], row["tenant"]) == (
        "local",
        "alert.retry",
        "m-1",
        {"channel": "ops"},
        None,
    )


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({}, "no such question"),
        ({"op": "nosuch"}, "no such question"),
        ({"op": "key"}, "no such question"),
        ({"op": "tenant_nosuch"}, "no such question"),
        ({"op": "audit_nosuch"}, "no such question"),
        ({"op": "tenant_add"}, "has no 'name'"),
        ({"op": "tenant_add", "name": "default"}, "there already"),
        ({"op": "tenant_add", "name": "new", "networks": 5}, "not iterable"),
        ({"op": "tenant_add", "name": "new", "retention_days": "long"}, "could not convert"),
        ({"op": "tenant_set", "name": "nosuch"}, "no tenant nosuch"),
        ({"op": "tenant_set", "name": "default"}, "stands in the configuration"),
        ({"op": "tenant_remove", "name": "nosuch"}, "no tenant nosuch"),
        ({"op": "key_create"}, "has no 'role'"),
        ({"op": "key_create", "role": "king"}, "king"),
        ({"op": "key_create", "role": "client", "expires_at": "soon"}, "isoformat"),
        ({"op": "key_create", "role": "client", "tenant": "nosuch"}, "no tenant nosuch"),
        ({"op": "key_rotate", "id": "mw_a"}, "has no 'grace_s'"),
        ({"op": "key_rotate", "id": "mw_a", "grace_s": 1e300}, "large|range|overflow"),
        ({"op": "key_revoke", "id": "mw_a"}, "no key mw_a"),
        ({"op": "audit", "limit": 0}, "at least 1"),
        ({"op": "audit_note", "action": "x"}, "has no 'subject'"),
        ({"op": "audit_note", "action": "x", "subject": "y", "details": 5}, "not iterable"),
    ],
)
async def test_what_is_wrong_with_a_message_is_said(
    administration: Administration, message: dict[str, Any], problem: str
) -> None:
    answer = await administer(administration, message)
    assert list(answer) == ["error"]
    assert re.search(problem, answer["error"])


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.text(max_size=5))
NAMES = ["id", "name", "title", "role", "tenant", "networks", "grace_s", "expires_at", "limit", "before", "agent"]


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=300, deadline=None
)
@given(op=st.sampled_from(sorted(OPERATIONS)), told=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
async def test_no_message_breaks_it(administration: Administration, op: str, told: dict[str, Any]) -> None:
    assert isinstance(await administer(administration, {"op": op, **told}), dict)

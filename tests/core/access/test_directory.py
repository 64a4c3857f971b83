"""The directory: who holds a key at a moment, and whose a claim is."""

import hmac
from datetime import timedelta

import pytest

from midwatch_core.access import keys
from midwatch_core.access.claims import configured_tenants
from midwatch_core.access.directory import Directory
from midwatch_core.access.settings import TenantSettings
from midwatch_core.access.shown import Denial, Denied
from tests.core.access.conftest import NOW, key_of, tenant

LATER = NOW + timedelta(days=1)


def test_a_key_is_its_holders_until_it_expires() -> None:
    text, key = key_of("acme", expires_at=LATER)
    directory = Directory(tenants=(tenant("acme"),), keys=(key,))
    assert directory.holder(text, NOW) == key
    assert directory.holder(text, LATER - timedelta(microseconds=1)) == key
    assert directory.holder(text, LATER) == Denied(why=Denial.EXPIRED_KEY, key_id=key.id)


def test_a_revoked_key_is_told_from_a_wrong_one_only_to_who_has_it_whole() -> None:
    text, key = key_of("acme", revoked_at=NOW, expires_at=NOW)
    directory = Directory(keys=(key,))
    assert directory.holder(text, NOW) == Denied(why=Denial.REVOKED_KEY, key_id=key.id)
    assert directory.holder(text[:-1] + "~", NOW) == Denied(why=Denial.WRONG_KEY)
    other = text[:-1] + ("a" if text[-1] != "a" else "b")
    assert directory.holder(other, NOW) == Denied(why=Denial.WRONG_KEY)


def test_a_key_nobody_has_is_compared_as_one_that_somebody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    compare_digest = hmac.compare_digest

    def compare(one: str, other: str) -> bool:
        compared.append(other)
        return compare_digest(one, other)

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)  # type: ignore[attr-defined]
    text, _ = key_of("acme")
    assert Directory().holder(text, NOW) == Denied(why=Denial.WRONG_KEY)
    assert compared == ["0" * 64]


def test_a_key_of_a_tenant_that_is_no_more_opens_nothing() -> None:
    (gone, key), (general, installation) = key_of("gone"), key_of(None)
    directory = Directory.merged([tenant("acme")], [], [key, installation])
    assert directory.holder(gone, NOW) == Denied(why=Denial.WRONG_KEY)
    assert directory.holder(general, NOW) == installation


def test_the_configuration_comes_before_the_store() -> None:
    configured = configured_tenants({"acme": TenantSettings(networks=("10.0.0.0/8",))}, "default")
    stored = [tenant("acme", networks=("11.0.0.0/8",)), tenant("beta", networks=("10.0.0.0/8", "12.0.0.0/8"))]
    directory = Directory.merged(configured, stored, [])
    assert [(item.name, item.configured) for item in directory.tenants] == [
        ("acme", True),
        ("default", True),
        ("beta", False),
    ]
    assert [directory.by_network(f"{first}.0.0.1") for first in (10, 11, 12)] == ["acme", None, "beta"]


def test_claims_have_one_owner() -> None:
    first = tenant("a", provider_keys=("f1",), certificates=("CN=x",))
    second = tenant("b", provider_keys=("f1", "f2"), certificates=("CN=x", "CN=y"))
    directory = Directory(tenants=(first, second))
    assert [directory.by_provider_key(item) for item in ("f1", "f2", "f3")] == ["a", "b", None]
    assert [directory.by_certificate(item) for item in ("CN=x", "CN=y", "")] == ["a", "b", None]
    assert directory.asks_provider_keys
    assert not Directory(tenants=(tenant("a"),)).asks_provider_keys


def test_directories_of_the_same_tenants_and_keys_are_equal() -> None:
    _, key = key_of("acme")
    assert Directory(tenants=(tenant("acme"),), keys=(key,)) == Directory(tenants=(tenant("acme"),), keys=(key,))
    assert Directory(keys=(key,)) != Directory()


def test_the_default_tenant_is_configured_whether_it_is_named_or_not() -> None:
    told = TenantSettings(title="All others", retention_days=3)
    assert [item.name for item in configured_tenants({}, "default")] == ["default"]
    (named,) = configured_tenants({"default": told}, "default")
    assert (named.title, named.retention_days, named.configured) == ("All others", 3, True)

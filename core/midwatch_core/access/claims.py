"""By what a tenant is known besides its keys: that it is well written, and nobody else's."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from pydantic import ValidationError

from midwatch_core.access.networks import network_of
from midwatch_core.access.settings import TenantSettings
from midwatch_core.model.tenant import Tenant

# A tenant of the configuration has no beginning: it is there for as long as it stands there.
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
NAME_SHAPE = "1 to 64 of letters, digits, '.', '_' and '-', the first a letter or digit"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def configured_tenants(settings: Mapping[str, TenantSettings], default: str) -> tuple[Tenant, ...]:
    """The tenants of the configuration, by name; the one of unclaimed calls, `default`, is always there."""
    return tuple(
        Tenant(name=name, created_at=ALWAYS, configured=True, **dict(told))
        for name, told in sorted({default: TenantSettings(), **settings}.items())
    )


def fault_of(tenant: Tenant, others: Iterable[Tenant]) -> str | None:
    """What is wrong with a tenant that is to be kept beside others, in a sentence; None where nothing is."""
    if _NAME.fullmatch(tenant.name) is None:
        return f"a tenant's name is {NAME_SHAPE}"
    try:
        TenantSettings(
            title=tenant.title,
            networks=tenant.networks,
            provider_keys=tenant.provider_keys,
            certificates=tenant.certificates,
            retention_days=tenant.retention_days,
        )
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"
    return _clash(tenant, others)


def _clash(tenant: Tenant, others: Iterable[Tenant]) -> str | None:
    own = set(_claims(tenant))
    for other in others:
        taken = own & set(_claims(other)) if other.name != tenant.name else set()
        if taken:
            return f"{min(taken)} belongs to the tenant {other.name} already"
    return None


def _claims(tenant: Tenant) -> Iterator[str]:
    yield from (f"the network {network_of(text)}" for text in tenant.networks)
    yield from (f"the provider key {text}" for text in tenant.provider_keys)
    yield from (f"the certificate {text}" for text in tenant.certificates)

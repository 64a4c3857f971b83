"""The directory: all tenants and keys at one moment, as a worker holds them. Nothing is asked of a store here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from midwatch_core.access.keys import id_of, is_key_of
from midwatch_core.access.networks import Networks
from midwatch_core.access.shown import Denial, Denied
from midwatch_core.model.apikey import ApiKey
from midwatch_core.model.tenant import Tenant

# What a key that nobody has is compared with: an unknown id must not answer sooner than a known one.
_NOBODYS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A snapshot of who there is. Of two tenants that claim the same, the first has it (see `claims`)."""

    tenants: tuple[Tenant, ...] = ()
    keys: tuple[ApiKey, ...] = ()
    _keys: dict[str, ApiKey] = field(init=False, repr=False, compare=False)
    _networks: Networks = field(init=False, repr=False, compare=False)
    _provider_keys: dict[str, str] = field(init=False, repr=False, compare=False)
    _certificates: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        networks = [(network, tenant.name) for tenant in self.tenants for network in tenant.networks]
        object.__setattr__(self, "_keys", {key.id: key for key in self.keys})
        object.__setattr__(self, "_networks", Networks(networks))
        object.__setattr__(self, "_provider_keys", _owners(self.tenants, lambda tenant: tenant.provider_keys))
        object.__setattr__(self, "_certificates", _owners(self.tenants, lambda tenant: tenant.certificates))

    @classmethod
    def merged(cls, configured: Sequence[Tenant], stored: Iterable[Tenant], keys: Iterable[ApiKey]) -> "Directory":
        """The tenants of the configuration, then those of the store, and the keys whose tenant is one of them.

        A key of a tenant that is no more opens nothing: it is left out.
        """
        names = {tenant.name for tenant in configured}
        tenants = (*configured, *(tenant for tenant in stored if tenant.name not in names))
        known = {None, *(tenant.name for tenant in tenants)}
        return cls(tenants=tenants, keys=tuple(key for key in keys if key.tenant in known))

    @property
    def asks_provider_keys(self) -> bool:
        """Whether a tenant is known by its provider's key; where none is, no fingerprint need be made."""
        return bool(self._provider_keys)

    def holder(self, shown: str, at: datetime) -> ApiKey | Denied:
        """The key that is shown, if it is one and valid at this moment."""
        key_id = id_of(shown)
        if key_id is None:
            return Denied(why=Denial.WRONG_KEY)
        key = self._keys.get(key_id)
        right = is_key_of(shown, _NOBODYS if key is None else key.digest)
        if key is None or not right:
            return Denied(why=Denial.WRONG_KEY)
        if key.revoked_at is not None:
            return Denied(why=Denial.REVOKED_KEY, key_id=key.id)
        return key if key.valid_at(at) else Denied(why=Denial.EXPIRED_KEY, key_id=key.id)

    def key(self, key_id: str) -> ApiKey | None:
        """The key of this id, valid or not."""
        return self._keys.get(key_id)

    def by_network(self, address: str) -> str | None:
        """The tenant whose network has this address, the smallest network first."""
        return self._networks.tenant_of(address)

    def by_provider_key(self, fingerprint: str) -> str | None:
        """The tenant that has a provider's key of this fingerprint."""
        return self._provider_keys.get(fingerprint)

    def by_certificate(self, subject: str) -> str | None:
        """The tenant that has client certificates of this subject."""
        return self._certificates.get(subject)


def _owners(tenants: Sequence[Tenant], claims: Callable[[Tenant], Iterable[str]]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for tenant in tenants:
        for claim in claims(tenant):
            owners.setdefault(claim, tenant.name)
    return owners

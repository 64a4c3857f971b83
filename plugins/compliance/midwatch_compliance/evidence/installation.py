"""Evidence of the installation: policy, retention, encryption, keys, limits, and how it did."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from midwatch_compliance.evidence.model import Health, Keeping, Keys, Limits, PolicyLineage
from midwatch_core import LOCAL, AccessDeniedError, Administration, Host, PolicyDeskError, Sample

# Metrics of what must not happen.
_DROPPED = "midwatch_journal_dropped_total"
_SLIM = "midwatch_journal_slim_total"
_DEAD = "midwatch_dead_letters_total"
_UNINSPECTED = "midwatch_inspection_failures_total"
_UNGUARDED = "midwatch_guard_failures_total"
_FAILING = "midwatch_plugin_failing"
_MAX_NAMES = 20


async def policy_of(host: Host) -> PolicyLineage | None:
    """The policy in use, by name and version; its text is no part of the evidence. Raises StorageError."""
    if host.policies is None:
        named = host.settings.get("policy")
        return PolicyLineage(id=str(named)) if named else None
    try:
        standing = await host.policies.standing(LOCAL)
        versions = await host.policies.versions(LOCAL)
    except PolicyDeskError:
        return None
    return PolicyLineage(
        id=standing.id,
        source=standing.source,
        version=standing.version,
        versions=len(versions),
        changed_at=versions[0].created_at if versions else None,
    )


async def keeping_of(host: Host, tenant: str | None) -> Keeping:
    """How long data is kept, where a tenant has a term of its own that one, and whether encrypted. StorageError."""
    days = _number(host.settings.get("retention_days"))
    if tenant is not None and host.administration is not None:
        own = [item.retention_days for item in await host.administration.tenants(LOCAL) if item.name == tenant]
        terms = [term for term in (*own, days) if term is not None]
        days = min(terms) if terms else None
    storage = host.settings.get("storage")
    encryption = getattr(storage, "encryption", None)
    return Keeping(retention_days=days, texts_encrypted=getattr(encryption, "key", None) is not None)


async def keys_of(host: Host, administration: Administration, tenant: str | None) -> Keys:
    """The keys in scope that are valid. Raises StorageError."""
    now = host.clock.now()
    keys = [key for key in await administration.keys(replace(LOCAL, tenant=tenant)) if key.valid_at(now)]
    identity = host.settings.get("identity")
    return Keys(
        valid=len(keys),
        by_role=dict(Counter(key.role.value for key in keys)),
        never_expire=sum(key.expires_at is None for key in keys),
        console_asks=None if host.access is None else host.access.required,
        calls_need_key=None if identity is None else bool(getattr(identity, "required", False)),
    )


async def limits_of(host: Host, tenant: str | None) -> Limits | None:
    """How many limits and budgets hold; None where nobody can tell for this tenant. Raises StorageError."""
    if host.installation is not None:
        caller = replace(LOCAL, tenant=tenant)
        try:
            limits, budgets = host.installation.limits(caller), await host.installation.budgets(caller)
        except AccessDeniedError:
            return None
        return Limits(limits=len(limits), budgets=len(budgets))
    rules, sums = host.settings.get("limits"), host.settings.get("budgets")
    if tenant is not None or not isinstance(rules, tuple) or not isinstance(sums, tuple):
        return None
    return Limits(limits=len(rules), budgets=len(sums))


def health_of(samples: Iterable[Sample]) -> Health:
    """What the installation lost or could not do since its processes started."""
    totals: Counter[str] = Counter()
    failing: set[str] = set()
    for sample in samples:
        if sample.name == _FAILING and sample.values[0] > 0:
            failing.update(sample.labels[:1])
        elif len(sample.values) == 1:
            totals[sample.name] += int(sample.values[0])
    return Health(
        calls_dropped=totals[_DROPPED],
        texts_dropped=totals[_SLIM],
        dead_letters=totals[_DEAD],
        inspection_failures=totals[_UNINSPECTED],
        unguarded=totals[_UNGUARDED],
        failing_plugins=tuple(sorted(failing)[:_MAX_NAMES]),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None

"""The evidence model: numbers, references and settings as plain values. Every framework and every format reads it.

Its JSON form stands in each report under `evidence`; `version` grows when a key changes its meaning or goes.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Part):
    """Sums over the calls of one group: a day, a model, a team."""

    name: str | None
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    api_equivalent_usd: float
    unpriced: int


class Traffic(_Part):
    """The calls of the period. `errors` are those that went wrong, `refused` those that Midwatch stopped.

    Groups are the dearest first, cut at a bound; `totals` are over all.
    """

    totals: Group
    errors: int
    refused: int
    flagged: int
    by_provider: tuple[Group, ...] = ()
    by_model: tuple[Group, ...] = ()
    by_agent: tuple[Group, ...] = ()
    by_app: tuple[Group, ...] = ()


class HostLine(_Part):
    """A service of the inventory. `read` where its calls are on record, `known` where it is approved."""

    host: str
    title: str | None
    known: bool
    read: bool
    refused: bool
    connections: int
    calls: int
    clients: int


class Hosts(_Part):
    """The inventory: services that were talked to. `unread` were passed through, only their names are known.

    `shadow` are neither providers of the catalogue nor approved. `lines` are the busiest, cut at a bound.
    """

    services: int
    read: int
    unread: int
    refused: int
    shadow: int
    lines: tuple[HostLine, ...] = ()


class Counted(_Part):
    """How many findings one group has, of a severity, with what was done about them."""

    name: str
    severity: str
    action: str
    findings: int


class Sample(_Part):
    """One finding as a reference. `evidence` is masked; the ids lead to the whole."""

    id: str
    exchange_id: str
    trace_id: str
    at: datetime
    tenant: str
    rule: str
    category: str
    owasp: tuple[str, ...]
    severity: str
    action: str
    state: str
    message: str
    evidence: str | None


class Findings(_Part):
    """What detectors saw. `by_category` and `by_rule` count all findings of the period.

    `by_owasp` and `by_state` count the newest `looked_at` of them, one by one; `cut` where there are more. A finding
    with two OWASP items counts for each.
    """

    total: int
    by_category: tuple[Counted, ...] = ()
    by_rule: tuple[Counted, ...] = ()
    by_owasp: tuple[Counted, ...] = ()
    by_state: tuple[Counted, ...] = ()
    looked_at: int = 0
    cut: bool = False
    samples: tuple[Sample, ...] = ()


class PolicyLineage(_Part):
    """The policy in use: `source` is shipped, file or published; `versions` how many of it are kept."""

    id: str
    source: str | None = None
    version: int | None = None
    versions: int | None = None
    changed_at: datetime | None = None


class Keeping(_Part):
    """How data is kept: days until calls go (None: for ever), and whether their texts are encrypted at rest."""

    retention_days: float | None
    texts_encrypted: bool


class AuditLog(_Part):
    """The audit log. `entries` held when it was verified, `fault` is the first thing wrong with it.

    `anchored` where this node also remembers the log's end. `actions` counts the entries of the period in scope, at
    most `looked_at` of them; `cut` where there are more.
    """

    verified: bool
    entries: int | None = None
    fault: str | None = None
    anchored: bool = False
    actions: dict[str, int] = {}
    looked_at: int = 0
    cut: bool = False


class Keys(_Part):
    """Keys in scope that are valid now, by role; and whether listeners ask for one."""

    valid: int
    by_role: dict[str, int] = {}
    never_expire: int
    console_asks: bool | None = None
    calls_need_key: bool | None = None


class Limits(_Part):
    """How many limits and budgets hold for the scope."""

    limits: int
    budgets: int


class Health(_Part):
    """How the installation did since its processes started, whatever the period: counters, not history."""

    calls_dropped: int
    texts_dropped: int
    dead_letters: int
    inspection_failures: int
    unguarded: int
    failing_plugins: tuple[str, ...] = ()


class Evidence(_Part):
    """All of it, of one tenant or (None) the installation, from `since` up to, not including, `until`.

    A part that is None was not there to be asked, or is the installation's and not this tenant's to see.
    """

    version: int = VERSION
    midwatch: str
    collected_at: datetime
    tenant: str | None
    since: datetime
    until: datetime
    traffic: Traffic
    hosts: Hosts | None = None
    findings: Findings
    policy: PolicyLineage | None = None
    keeping: Keeping
    audit: AuditLog | None = None
    keys: Keys | None = None
    limits: Limits | None = None
    health: Health | None = None

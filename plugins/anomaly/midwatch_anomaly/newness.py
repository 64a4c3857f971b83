"""Newness: the first call of a tenant to a host or a model, and the first sight of a tool. Pure, bounded, persistent.

What was seen is remembered by digests. A tenant is told of nothing until it is known: everything is new at first.
"""

import hashlib
from base64 import b64decode, b64encode
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import batched, islice
from typing import Any

import orjson
from pydantic import Field

from midwatch_anomaly.looping.step import failed
from midwatch_core import Alert, Exchange, Section, Severity

_VERSION = 1
_DIGEST = 8
_DAY_S = 86_400.0
# Names of one call that are looked at: more tools than any agent has.
_MOST_OF_A_CALL = 1000
_LONGEST_NAME = 100
# What is remembered in all; beyond, tenants that were not seen for longest are forgotten. About 30 MB.
_MOST_TENANTS, _MOST_IN_ALL = 10_000, 300_000
# Lists of tools that were looked through already: nearly every call of an agent offers the same ones.
_LISTS = 8
_TOLD_FOR = timedelta(days=1)
# Tenants of one step of `rows`.
_AT_ONCE = 200

# Of a tenant: known since when (seconds since 1970), calls, digests by kind.
type Kept = tuple[float, int, dict[str, str]]


class NewnessLimits(Section):
    """When a name that was never seen is told."""

    enabled: bool = Field(True, description="Whether new hosts, models and tools are told.")
    warm_up_days: float = Field(7.0, ge=0, le=400, description="Days that a tenant must be known, and")
    warm_up_calls: int = Field(500, ge=0, le=1_000_000, description="calls that it must have made before.")
    most_a_day: int = Field(
        5, ge=1, le=1000, description="So many of a kind and tenant a day: where more come, new ones are usual."
    )
    most_names: int = Field(
        1000, ge=10, le=100_000, description="Names of a kind and tenant that are remembered; beyond nothing is told."
    )


class NewKind(StrEnum):
    """What is new."""

    HOST = "host"
    MODEL = "model"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A name that a tenant's calls bear for the first time; a long one is cut."""

    tenant: str
    kind: NewKind
    name: str


@dataclass(slots=True)
class _Names:
    """Names of one kind; those of today that were told are counted."""

    seen: set[bytes] = field(default_factory=set)
    day: int = 0
    told: int = 0

    def is_new(self, name: str, now_s: float, limits: NewnessLimits) -> bool:
        """Whether it was not there yet, and is now, and new ones are not what is usual."""
        key = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=_DIGEST).digest()
        if key in self.seen or len(self.seen) >= limits.most_names:
            return False
        self.seen.add(key)
        day = int(now_s // _DAY_S)
        if day != self.day:
            self.day, self.told = day, 0
        self.told += 1
        return self.told <= limits.most_a_day


@dataclass(slots=True)
class _Tenant:
    since_s: float
    calls: int = 0
    kinds: dict[NewKind, _Names] = field(default_factory=lambda: {kind: _Names() for kind in NewKind})
    offered: deque[int] = field(default_factory=lambda: deque(maxlen=_LISTS))

    @property
    def names(self) -> int:
        """How many names are remembered."""
        return sum(len(names.seen) for names in self.kinds.values())

    def is_warm(self, now_s: float, limits: NewnessLimits) -> bool:
        """Whether enough of it is known for something to be new."""
        return self.calls >= limits.warm_up_calls and now_s - self.since_s >= limits.warm_up_days * _DAY_S


class Newness:
    """What each tenant's calls have borne so far. Those that failed don't count: their names may be guesses."""

    def __init__(self, limits: NewnessLimits | None = None) -> None:
        self._limits = limits or NewnessLimits()
        self._tenants: OrderedDict[str, _Tenant] = OrderedDict()
        self._in_all = 0

    def follow(self, limits: NewnessLimits) -> None:
        """Go by other limits."""
        self._limits = limits

    def forget(self, tenant: str) -> None:
        """Remember nothing of a tenant: all is new to it again."""
        gone = self._tenants.pop(tenant, None)
        self._in_all -= 0 if gone is None else gone.names

    @property
    def remembered(self) -> int:
        """How many tenants are remembered."""
        return len(self._tenants)

    def take(self, exchange: Exchange, now_s: float) -> list[New]:
        """What is new about a call of a tenant that is known; `now_s` are seconds since 1970."""
        if not self._limits.enabled or failed(exchange):
            return []
        name, tenant = exchange.identity.tenant, self._tenant(exchange.identity.tenant, now_s)
        had = tenant.names
        found = [
            New(tenant=name, kind=kind, name=word[:_LONGEST_NAME])
            for kind, word in islice(_words(exchange, tenant), _MOST_OF_A_CALL)
            if tenant.kinds[kind].is_new(word, now_s, self._limits)
        ]
        self._in_all += tenant.names - had
        self._forget()
        warm = tenant.is_warm(now_s, self._limits)
        tenant.calls += 1
        if not warm:
            for names in tenant.kinds.values():
                names.told = 0
        return found if warm else []

    def _tenant(self, name: str, now_s: float) -> _Tenant:
        tenant = self._tenants.setdefault(name, _Tenant(since_s=now_s))
        self._tenants.move_to_end(name)
        tenant.since_s = min(tenant.since_s, now_s)  # a clock that was ahead must not keep it from being known
        return tenant

    def _forget(self) -> None:
        while len(self._tenants) > _MOST_TENANTS or (self._in_all > _MOST_IN_ALL and len(self._tenants) > 1):
            _, gone = self._tenants.popitem(last=False)
            self._in_all -= gone.names

    def dump(self) -> bytes:
        """All that is remembered, for `load`; about 11 bytes a name."""
        return dumped({name: row for rows in self.rows() for name, row in rows.items()})

    def rows(self) -> Iterator[dict[str, Kept]]:
        """The same in steps of some milliseconds, for `dumped`; between them `take` may be called, and nothing else."""
        for names in batched(list(self._tenants), _AT_ONCE):
            yield {name: _row(tenant) for name in names if (tenant := self._tenants.get(name))}

    def load(self, kept: bytes) -> None:
        """Take up what was dumped. Raises ValueError for what is no dump of this version; nothing is changed then."""
        document = orjson.loads(kept)
        if not isinstance(document, dict) or document.get("version") != _VERSION:
            raise ValueError("names seen: not of this version")
        try:
            tenants = {str(name): _tenant_of(*told) for name, told in document["tenants"].items()}
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"names seen: {error}") from error
        self._tenants = OrderedDict(tenants)
        self._in_all = sum(tenant.names for tenant in tenants.values())
        self._forget()


def dumped(rows: Mapping[str, Kept]) -> bytes:
    """What is remembered of all tenants as bytes."""
    return orjson.dumps({"version": _VERSION, "tenants": rows})


def new_alert(new: New, now: datetime) -> Alert:
    """The alert of a new name; it is over after a day."""
    return Alert(
        at=now,
        category="anomaly",
        severity=Severity.LOW,
        title=f"A {new.kind} that {new.tenant} never used before: {new.name}",
        fingerprint=f"anomaly:{new.tenant}:new:{new.kind}:{new.name}",
        tenant=new.tenant,
        details={"kind": new.kind.value, "name": new.name},
        expires_at=now + _TOLD_FOR,
    )


def _words(exchange: Exchange, tenant: _Tenant) -> Iterator[tuple[NewKind, str]]:
    yield NewKind.HOST, exchange.endpoint.host
    if exchange.model:
        yield NewKind.MODEL, exchange.model
    if (offered := hash(exchange.request.tools)) not in tenant.offered:
        tenant.offered.append(offered)
        yield from ((NewKind.TOOL, name) for name in exchange.request.tools)
    if exchange.response is not None:
        yield from ((NewKind.TOOL, call.name) for call in exchange.response.tool_calls)


def _row(tenant: _Tenant) -> Kept:
    return tenant.since_s, tenant.calls, {kind.value: _packed(names.seen) for kind, names in tenant.kinds.items()}


def _packed(seen: Iterable[bytes]) -> str:
    return b64encode(b"".join(sorted(seen))).decode()


def _tenant_of(since_s: float, calls: int, kinds: Mapping[str, Any]) -> _Tenant:
    tenant = _Tenant(since_s=float(since_s), calls=int(calls))
    for kind in NewKind:
        data = b64decode(kinds.get(kind, ""), validate=True)
        tenant.kinds[kind].seen = {data[at : at + _DIGEST] for at in range(0, len(data) - _DIGEST + 1, _DIGEST)}
    return tenant

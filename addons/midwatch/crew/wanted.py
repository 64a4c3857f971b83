"""What is to run, as the snapshot says: the supervisor looks there, and what only a start can change it compares."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from midwatch.home import Home
from midwatch_core.config import Config

logger = logging.getLogger(__name__)
_MEGABYTE = 1024 * 1024
_HOUR_S = 3600.0

# Bound for as long as the supervisor lives.
_BOUND = frozenset({"listen", "console", "mode"})
# What the supervisor itself goes by.
_SUPERVISED = frozenset({"workers", "drain_s", "rolling_drain_s", "worker_memory_mb", "worker_max_age_hours"})
# What both read anew while they run: `Suite.reload`, `Control._take_reloaded`, and plugins that say so.
_FOLLOWED = frozenset(
    {
        *("providers", "intercept", "connect_to", "policy", "tenant", "tenants", "identity", "limits", "budgets"),
        *(
            "governance",
            "inventory",
            "tls.ca",
            "tls.pinned",
            "tls.pinned_hours",
            "access",
            "alerts",
            "anomaly",
            "ensemble",
            "ml",
        ),
        *("upstream", "connections", "destinations"),
    }
)
# Of those sections, what is read once all the same.
_READ_ONCE = frozenset({"identity.client_ca"})
# What concerns one of them alone.
_NOT_FOR_WORKERS = frozenset({"retention_days", "incidents"})
_NOT_FOR_CONTROL = frozenset({"upstream_ca", "max_inspect_bytes", "identity.client_ca"})

type Settled = Mapping[str, Any]
"""Settings that only a start can change, by their dotted name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How many workers there are to be, how large and old they may become, and by which settings all start.

    `memory_bytes` and `age_s` of 0 are no limit; `stamp` is higher in each snapshot.
    """

    workers: int
    memory_bytes: int
    age_s: float
    drain_s: float
    rolling_drain_s: float
    for_workers: Settled
    for_control: Settled
    stamp: int = 0

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Wanted":
        """From a snapshot's document. Raises KeyError, TypeError or ValueError where it is none."""
        config = document["config"]
        # Plugins that were installed or upgraded, and `reload --restart`, change what a start would bring.
        begun = {"plugins installed": document.get("installed"), "a restart asked for": document.get("restart")}
        settled = {name: value for name, value in _flat(config) if _only_at_start(name)} | begun
        return cls(
            workers=int(config["workers"]),
            memory_bytes=int(config["worker_memory_mb"]) * _MEGABYTE,
            age_s=float(config["worker_max_age_hours"]) * _HOUR_S,
            drain_s=float(config["drain_s"]),
            rolling_drain_s=float(config["rolling_drain_s"]),
            for_workers={name: value for name, value in settled.items() if not _among(name, _NOT_FOR_WORKERS)},
            for_control={name: value for name, value in settled.items() if not _among(name, _NOT_FOR_CONTROL)},
            stamp=int(document.get("stamp", 0)),
        )


def changed(before: Settled, after: Settled) -> list[str]:
    """The names of what is not the same any more."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _flat(config: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in config.items():
        inner = value.items() if isinstance(value, dict) else ()
        found += [(f"{name}.{key}", item) for key, item in inner] if inner else [(name, value)]
    return found


def _only_at_start(name: str) -> bool:
    if name in _READ_ONCE:
        return True
    return not _among(name, _BOUND | _SUPERVISED | _FOLLOWED)


def _among(name: str, names: frozenset[str]) -> bool:
    return name in names or name.partition(".")[0] in names


class Snapshot:
    """The snapshot as one supervisor sees it. `follows`: what others write there later is for it too."""

    def __init__(self, home: Home, config: Config, *, follows: bool) -> None:
        self._file = home.snapshot
        self._follows = follows
        self._console = config.console
        self._seen: tuple[int, int, int] | None = None
        self._wanted = Wanted.of({"config": config.model_dump(mode="json")})
        self.wanted()

    def wanted(self) -> Wanted:
        """What is wanted now: as before, where the file can't be read or is that of another supervisor of the home."""
        signature = _signature(self._file) if self._follows else None
        if signature is None or signature == self._seen:
            return self._wanted
        self._seen = signature
        try:
            document = orjson.loads(self._file.read_bytes())
            if document["config"]["console"] == self._console:  # we hold that port: nobody else does
                self._wanted = Wanted.of(document)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.error("%s: %s; what runs goes on as it is", self._file, error)
        return self._wanted


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size

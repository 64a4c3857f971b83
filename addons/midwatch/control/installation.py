"""The installation as faces show it: what is installed, by which rules and settings it goes, and how it stands."""

import asyncio
import logging
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from midwatch import __version__
from midwatch.control.governing_rows import GoverningRows
from midwatch.packs import pack_files
from midwatch.rule_rows import rule_row
from midwatch.schemas import Standing, standings
from midwatch.settings import Settings
from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.breaker import BreakerState, worst
from midwatch_core.config import Config, read_yaml, sources_of
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.metrics import Sample
from midwatch_core.model.content import Json
from midwatch_core.plugin_metrics import DISABLED, ON_TRIAL
from midwatch_core.rulepack import RulePackError
from midwatch_core.rulepack.reading import read_spec
from midwatch_core.rulepack.schema import PackSpec
from midwatch_core.secret_text import masked
from midwatch_core.shown_settings import places, shown_settings
from midwatch_core.storage import storage_profile

logger = logging.getLogger(__name__)

# Packages whose versions tell most when something is odd.
_PACKAGES = ("mitmproxy", "fastapi", "sqlalchemy", "pydantic", "google-re2")
# Who looks at the system because a store hangs must not hang with it.
_ANSWER_S = 3.0
_STATES = {DISABLED: BreakerState.OPEN, ON_TRIAL: BreakerState.HALF_OPEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEntry:
    """A rule of a pack in use: its line in a listing, and all that its pack says of it."""

    row: Mapping[str, Json]
    spec: Mapping[str, Json]


class LiveInstallation:
    """See `Installation`. `status` and `samples` are asked each time; packs are read when somebody asks for them."""

    def __init__(
        self,
        settings: Settings,
        *,
        status: Callable[[], dict[str, Any]],
        samples: Callable[[], list[Sample]],
        governing: GoverningRows,
    ) -> None:
        self._settings = settings
        self._status = status
        self._samples = samples
        self._governing = governing
        self._rules: Mapping[str, RuleEntry] | None = None

    def follow(self, config: Config) -> None:
        """From now on, go by this configuration; packs may be new too."""
        self._settings = replace(self._settings, config=config)
        self._rules = None

    def plugins(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """Plugins, as `plugins list --json` has them, and the breaker of each over all processes."""
        _check(caller)
        samples = self._samples()
        return [{**row, "breaker": _breaker(str(row["name"]), samples)} for row in self._status()["plugins"]]

    def rules(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """Rules of all packs in use, in the order of the packs."""
        _check(caller)
        return [entry.row for entry in self._read().values()]

    def rule(self, caller: Caller, rule_id: str) -> Mapping[str, Json] | None:
        """One rule with its `spec`."""
        _check(caller)
        entry = self._read().get(rule_id)
        return None if entry is None else {**entry.row, "spec": dict(entry.spec)}

    def settings(self, caller: Caller) -> Mapping[str, Json]:
        """The live configuration without its secrets, and who said what is not a default."""
        _check(caller)
        settings = shown_settings(self._settings.config.model_dump(mode="json"))
        file = self._settings.sources.file
        return {"file": str(file) if file else None, "settings": settings, "said_by": dict(self._said_by())}

    async def system(self, caller: Caller) -> Mapping[str, Json]:
        """How all stands, as `status` has it, with the stores and what versions are installed."""
        _check(caller)
        status = {key: value for key, value in self._status().items() if key != "plugins"}
        certificate = _text(self._settings.home.ca_certificate)
        return {**status, "ca_certificate": certificate, "stores": await self._stores(), "versions": _versions()}

    def limits(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """The limits that hold for the caller's tenants."""
        return self._governing.limits(caller)

    async def budgets(self, caller: Caller) -> Sequence[Mapping[str, Json]]:
        """The budgets that hold for the caller's tenants."""
        return await self._governing.budgets(caller)

    def _read(self) -> Mapping[str, RuleEntry]:
        """The packs as they are written. One that can't be read is not in use either: it has been said at the start."""
        rules, settings = self._rules, self._settings
        if rules is None:
            rules = dict(_entries(settings))
            if settings is self._settings:  # we are in a thread: others may have been put in force meanwhile
                self._rules = rules
        return rules

    def _said_by(self) -> Mapping[str, str]:
        sources, flags = self._settings.sources, dict(self._settings.sources.flags)
        try:
            said = sources_of(file=sources.file, flags=flags)
            in_file = read_yaml(sources.file) if sources.file else {}
        except ConfigError:  # the file is gone or broken since: what it said last is in force, and not known by place
            return {}
        told = {place for settings in (in_file, said.env, flags) for place in places(settings)}
        return {".".join(place): said.of(place) for place in sorted(told)}

    async def _stores(self) -> list[Json]:
        """The stores and their schemas, asked now; a store that does not answer says so."""
        profile = storage_profile(self._settings.config, self._settings.home.root)
        try:
            async with asyncio.timeout(_ANSWER_S):
                found = await standings(self._settings.plugins, profile)
        except TimeoutError:
            return [_store(Standing(store="all", url="", error=f"no answer in {_ANSWER_S:g} s"))]
        except (ConfigError, StorageError) as error:
            return [_store(Standing(store="all", url="", error=str(error)))]
        return [*map(_store, found), _store(Standing(store="cache", url=masked(profile.cache)))]


def _check(caller: Caller) -> None:
    if not caller.may(Permission.READ):
        raise AccessDeniedError(f"a key of the role {caller.role} reads nothing")
    if caller.tenant is not None:
        raise AccessDeniedError(f"{caller.name} is of the tenant {caller.tenant}, and the installation is for all")


def _entries(settings: Settings) -> Iterator[tuple[str, RuleEntry]]:
    for name, pack in _packs(settings):
        for rule in pack.rules:
            row = rule_row(rule, pack.pack, name)
            yield str(row["id"]), RuleEntry(row=row, spec=rule.model_dump(mode="json", by_alias=True))


def _packs(settings: Settings) -> Iterator[tuple[str, PackSpec]]:
    try:
        for name, data in pack_files(settings.plugins, settings.home):
            with suppress(RulePackError):
                yield name, read_spec(data, name)
    except OSError as error:  # a file of the home went away, or may not be read any more
        logger.error("not all packs of rules can be told: %s: %s", error.filename, error.strerror)


def _text(file: Path) -> str | None:
    """What clients are to trust; None where mitmproxy has a CA of its own, or nobody has made one."""
    try:
        return file.read_text("ascii")
    except (OSError, ValueError):
        return None


def _store(standing: Standing) -> Json:
    state = standing.state
    return {
        "store": standing.store,
        "url": standing.url,
        "schema": state.current if state else None,
        "newest_schema": state.head if state else None,
        "trouble": standing.trouble,
    }


def _breaker(plugin: str, samples: Sequence[Sample]) -> str:
    mine = [item for item in samples if item.name in _STATES and item.labels[0] == plugin and item.values[0] > 0]
    return worst(_STATES[item.name] for item in mine).value


def _versions() -> dict[str, Json]:
    """Versions of what runs here; a package that is not installed is left out."""
    found: dict[str, Json] = {"midwatch": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

"""Settings at work: the plugins, the configuration resolved from its sources, and the snapshot processes start from."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import ValidationError

from midwatch.home import Home, write_private
from midwatch.published_file import PUBLISHED, read_published, unusable
from midwatch_core.config import Config, load_config, merged_sources, model_with
from midwatch_core.contributions import Resource, ResourceKind
from midwatch_core.errors import ConfigError
from midwatch_core.hosting import Plugins
from midwatch_core.policy import Policy, PolicyError
from midwatch_core.wire.ai_hosts import AiHosts
from midwatch_core.wire.catalogue import Catalogue, CatalogueError, CatalogueSpec
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects import BUILTIN

_DEFAULT_POLICY = "observe"
_OBSERVE = b"policy: {id: observe}\nlines: [{id: record-all, then: flag}]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the configuration comes from: kept, so that a reload reads the same again."""

    file: Path | None
    flags: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A resolved configuration and the plugins that run under it. `stamp`: of the snapshot it was read from, else 0."""

    home: Home
    config: Config
    plugins: Plugins
    sources: Sources
    stamp: int = 0


def resolve(home: Home, *, config_file: Path | None, flags: Mapping[str, Any]) -> Settings:
    """Read the configuration and load the plugins. Raises ConfigError."""
    file = config_file or (home.config_file if home.config_file.exists() else None)
    sources = Sources(file=file, flags=flags)
    plugins = Plugins()
    plugins.discover(allow=_allowed(file, flags))
    config = load_config(file=file, flags=flags, sections=plugins.sections())
    return _activated(home, config, plugins, sources)


def write_snapshot(settings: Settings, *, restart: str = "") -> int:
    """Keep the resolved settings where workers and control find them; the stamp of what was written.

    Another `restart` than before tells the supervisor to start all of them again (see `crew.wanted`).
    """
    stamp = time.time_ns()
    document = {
        "config": settings.config.model_dump(mode="json"),
        "file": str(settings.sources.file) if settings.sources.file else None,
        "flags": dict(settings.sources.flags),
        "installed": {plugin.name: plugin.version for plugin in settings.plugins.list()},
        "restart": restart,
        "stamp": stamp,
    }
    write_private(settings.home.snapshot, orjson.dumps(document, default=str))
    return stamp


def restart_asked_for(home: Home) -> str:
    """The `restart` of the snapshot as it is; empty where there is none."""
    try:
        return str(orjson.loads(home.snapshot.read_bytes()).get("restart") or "")
    except (OSError, ValueError, AttributeError):
        return ""


def read_snapshot(home: Home) -> Settings:
    """The settings as last resolved. Raises ConfigError where there are none."""
    try:
        document = orjson.loads(home.snapshot.read_bytes())
        allow = (document["config"].get("plugins") or {}).get("allow")
        plugins = Plugins()
        plugins.discover(allow=allow)
        config = model_with(plugins.sections()).model_validate(document["config"])
        file = Path(document["file"]) if document["file"] else None
        stamp = int(document.get("stamp", 0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{home.snapshot}: {reason}; start Midwatch again") from error
    return replace(_activated(home, config, plugins, Sources(file=file, flags=document["flags"])), stamp=stamp)


def placed(settings: Settings, **places: Any) -> Settings:
    """The settings with what this process was told of its places (`listen`, `console`, `mode`), where it was told.

    Whoever started it bound them; the snapshot may since be that of another supervisor of the same home.
    """
    told = {key: value for key, value in places.items() if value}
    return replace(settings, config=settings.config.model_copy(update=told)) if told else settings


def _allowed(file: Path | None, flags: Mapping[str, Any]) -> list[str] | None:
    """`plugins.allow` is needed before the plugins' sections can be checked."""
    section = merged_sources(file=file, flags=flags).get("plugins")
    allow = section.get("allow") if isinstance(section, dict) else None
    return [str(name) for name in allow] if isinstance(allow, list) else None


def _activated(home: Home, config: Config, plugins: Plugins, sources: Sources) -> Settings:
    sections = {name: getattr(config, name) for name in plugins.sections()}
    plugins.breakers = config.breakers
    plugins.activate(sections, order=config.plugins.order)
    return Settings(home=home, config=config, plugins=plugins, sources=sources)


def dialects_of(plugins: Plugins) -> dict[str, Dialect]:
    """All wire formats by id: a plugin's own stands before a built-in of the same id."""
    built_in = {dialect.id: dialect for dialect in BUILTIN}
    return built_in | {dialect.id: dialect for dialect in plugins.gather("dialects")}


def catalogue_of(settings: Settings, dialects: Mapping[str, Dialect]) -> Catalogue:
    """The catalogue: the user's providers first, then what plugins bring. Raises ConfigError."""
    own = CatalogueSpec(providers=settings.config.providers)
    shipped = [
        _catalogue_spec(resource) for resource in settings.plugins.gather("resources") if _is_catalogue(resource)
    ]
    try:
        return Catalogue([own, *shipped], dialects=dialects)
    except CatalogueError as error:
        raise ConfigError(f"{settings.sources.file or 'providers'}: {error}") from error


def ai_hosts_of(settings: Settings, catalogue: Catalogue) -> AiHosts:
    """Which hosts the inventory counts: the catalogue's, and those of the configuration."""
    inventory = settings.config.inventory
    return AiHosts(catalogue, own=inventory.hosts, approved=inventory.approved, unapproved=inventory.unapproved)


def policy_of(settings: Settings) -> Policy:
    """The policy in use. Raises ConfigError."""
    return policy_named(settings, policy_in_use(settings))


def policy_in_use(settings: Settings) -> str:
    """The name of the policy in use: what the setting names, unless that is no file and one was published."""
    named = settings.config.policy
    if settings.home.published_policy.exists() and policy_is_shipped(settings.plugins, named):
        return PUBLISHED
    return named


def policy_named(settings: Settings, name: str) -> Policy:
    """The policy of this name, or in this file (beside the configuration's, or here). Raises ConfigError."""
    source, data = policy_text(settings, name)
    try:
        return Policy.load(data, source)
    except PolicyError as error:
        if source == PUBLISHED:  # by a Midwatch that knew other keys
            raise unusable(settings.home, str(error)) from error
        raise


def policy_text(settings: Settings, name: str) -> tuple[str, bytes]:
    """A policy as it is written, and where: its name, or its file. Raises ConfigError."""
    shipped = _shipped_policies(settings.plugins)
    if name in shipped:
        return name, shipped[name].path.read_bytes()
    if name == _DEFAULT_POLICY:  # `plugins.allow` may leave out who ships it: the default must hold without
        return name, _OBSERVE
    if name == PUBLISHED and (published := read_published(settings.home)) is not None:
        return name, published.text.encode()
    file = policy_file(settings, name)
    try:
        return str(file), file.read_bytes()
    except OSError as error:
        known = ", ".join(sorted(shipped)) or "none is installed"
        raise ConfigError(
            f"policy: {name!r} is neither a policy ({known}) nor a file that can be read: {error.strerror}"
        ) from error


def shipped_policies(plugins: Plugins) -> dict[str, bytes]:
    """The policies that plugins bring, by name, and the one that is used unless configured. Raises ConfigError."""
    found = {_DEFAULT_POLICY: _OBSERVE}
    for name, resource in _shipped_policies(plugins).items():
        try:
            found[name] = resource.path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{resource.path}: {error.strerror}") from error
    return found


def policy_is_shipped(plugins: Plugins, name: str) -> bool:
    """Whether the policy of this name is ours or a plugin's, and not a file's."""
    return name == _DEFAULT_POLICY or name in _shipped_policies(plugins)


def policy_file(settings: Settings, name: str) -> Path:
    """Where a policy of this name would be, if it is a file: beside the configuration's, else here."""
    beside = settings.sources.file.parent / name if settings.sources.file else None
    return beside if beside is not None and beside.exists() else Path(name).absolute()


def _shipped_policies(plugins: Plugins) -> dict[str, Resource]:
    return {item.name: item for item in plugins.gather("resources") if item.kind is ResourceKind.POLICY}


def _is_catalogue(resource: Resource) -> bool:
    return resource.kind is ResourceKind.CATALOGUE


def _catalogue_spec(resource: Resource) -> CatalogueSpec:
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        return CatalogueSpec.model_validate(yaml.load(resource.path.read_bytes(), Loader=loader))  # noqa: S506  # safe
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"{resource.name}: {' '.join(str(error).split())}") from error

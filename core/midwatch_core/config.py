"""The configuration: one frozen model, from YAML, then `MIDWATCH_A__B` variables, then flags."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, create_model, field_validator

from midwatch_core.access.settings import AccessSettings, IdentitySettings, TenantSettings, check_apart
from midwatch_core.config_errors import ENV_PREFIX, Sources, explain
from midwatch_core.connection_settings import ConnectionSettings
from midwatch_core.destination_settings import DestinationSettings
from midwatch_core.errors import ConfigError
from midwatch_core.governing.settings import DEFAULT_LIMITS, BudgetRule, GovernanceSettings, LimitRule
from midwatch_core.incident_settings import IncidentSettings
from midwatch_core.inventory_settings import InventorySettings, TlsSettings
from midwatch_core.model.identity import DEFAULT_TENANT
from midwatch_core.secret_text import reference_for, refuse_literals
from midwatch_core.section import Section
from midwatch_core.storage_settings import BreakerSettings, StorageSettings
from midwatch_core.upstream_settings import UpstreamSettings
from midwatch_core.wire.catalogue import ProviderSpec, RouteSpec

# Variables with the prefix that are no settings: where the home is, the key that `exec` shows, where recorded data is.
_NOT_SETTINGS = frozenset(
    {"MIDWATCH_HOME", "MIDWATCH_KEY", "MIDWATCH_DATA", "MIDWATCH_CHROMIUM", "MIDWATCH_LOG", "MIDWATCH_LOG_LEVEL"}
)


# The detectors that come with Midwatch: they are quick, linear and known not to hang.
IN_LOOP = ("rules", "secrets", "pii", "ml", "ensemble")


class JournalSettings(Section):
    """The journal between workers and control."""

    max_bytes: int = Field(1024**3, gt=0, description="Disk the journal may take before texts are left out.")
    segment_bytes: int = Field(16 * 1024**2, gt=0, description="Size at which a segment file is sealed.")
    when_full: Literal["pass", "refuse"] = Field("pass", description="What happens to calls that can't be journalled.")


class PluginSettings(Section):
    """Which plugins load, and in which order ties break."""

    allow: tuple[str, ...] | None = Field(None, description="Only these load; all that are installed, if not given.")
    order: tuple[str, ...] = Field((), description="Names that come first, in this order.")
    in_loop: tuple[str, ...] = Field(
        IN_LOOP, description="Detectors that run in the proxy's own process; all others run in the scan pool."
    )
    deadline_s: float = Field(
        1.0, gt=0, le=60, description="Seconds a detector outside the proxy's process is given for a text."
    )
    models_wait_s: float = Field(
        2.0, ge=0, le=60, description="Seconds the record of a call waits for models, while the journal is empty."
    )
    models_wait_behind_s: float = Field(
        0.05, ge=0, le=60, description="The same for a batch of calls, while there are more in the journal."
    )


class Config(Section):
    """All settings. Plugins' sections stand beside these, under the plugins' names."""

    listen: str = Field("127.0.0.1:8080", description="Where the proxy listens, HOST:PORT.")
    console: str = Field("127.0.0.1:8082", description="Where console, REST, metrics and health listen, HOST:PORT.")
    mode: tuple[str, ...] = Field(("regular",), description="mitmproxy's proxy modes; the first takes `listen`.")
    workers: int = Field(1, ge=1, le=64, description="Proxy processes.")
    tenant: str = Field(DEFAULT_TENANT, min_length=1, description="The tenant of calls nobody else claims.")
    intercept: Literal["catalogue", "all"] | tuple[str, ...] = Field(
        "catalogue", description="Hosts that are decrypted: the catalogue's, all, or the catalogue's and these."
    )
    providers: tuple[ProviderSpec, ...] = Field((), description="Providers of your own; they come before the shipped.")
    upstream_ca: Path | None = Field(None, description="PEM file of further CAs that providers' certificates may have.")
    upstream: UpstreamSettings = Field(default_factory=UpstreamSettings)
    connect_to: Mapping[str, str] = Field(
        default_factory=dict, description="Where to connect instead, HOST or HOST:PORT to HOST:PORT (as curl's option)."
    )
    policy: str = Field(
        "observe", min_length=1, description="What is done about findings: observe, balanced, strict, or a YAML file."
    )
    max_inspect_bytes: int = Field(32 * 1024**2, gt=0, description="Requests above this stream on unread.")
    drain_s: float = Field(30.0, ge=0, description="Seconds that calls in flight are given at shutdown.")
    rolling_drain_s: float = Field(
        600.0, ge=0, description="Seconds that calls in flight on a worker are given when another takes over from it."
    )
    worker_memory_mb: int = Field(
        0, ge=0, description="Megabytes of memory above which a worker is replaced, none of its calls cut; 0 is never."
    )
    worker_max_age_hours: float = Field(0, ge=0, description="Hours after which a worker is replaced; 0 is never.")
    storage: StorageSettings = Field(default_factory=StorageSettings)
    retention_days: float | None = Field(30, gt=0, description="Days an exchange is kept; null keeps it for ever.")
    identity: IdentitySettings = Field(default_factory=IdentitySettings)
    access: AccessSettings = Field(default_factory=AccessSettings)
    tenants: Mapping[str, TenantSettings] = Field(
        default_factory=dict, description="Tenants by name; further ones are made with `tenants add`."
    )
    limits: tuple[LimitRule, ...] = Field(DEFAULT_LIMITS, description="Limits, each with an id; an empty list is none.")
    budgets: tuple[BudgetRule, ...] = Field((), description="Budgets, each with an id.")
    governance: GovernanceSettings = Field(default_factory=GovernanceSettings)
    tls: TlsSettings = Field(default_factory=TlsSettings)
    connections: ConnectionSettings = Field(default_factory=ConnectionSettings)
    destinations: DestinationSettings = Field(default_factory=DestinationSettings)
    inventory: InventorySettings = Field(default_factory=InventorySettings)
    incidents: IncidentSettings = Field(default_factory=IncidentSettings)
    breakers: BreakerSettings = Field(default_factory=BreakerSettings)
    journal: JournalSettings = Field(default_factory=JournalSettings)
    plugins: PluginSettings = Field(default_factory=PluginSettings)

    @field_validator("storage", mode="before")
    @classmethod
    def _profile(cls, value: object) -> object:
        return {"profile": value} if isinstance(value, str) else value

    @field_validator("tenants")
    @classmethod
    def _tenants_apart(cls, value: Mapping[str, TenantSettings]) -> Mapping[str, TenantSettings]:
        check_apart(value)
        return value

    @field_validator("limits", "budgets")
    @classmethod
    def _ids_apart(cls, value: Sequence[LimitRule | BudgetRule], info: ValidationInfo) -> object:
        before = info.data.get("limits", ()) if info.field_name == "budgets" else ()
        counted = Counter(rule.id for rule in (*before, *value))
        if twice := [id_ for id_, count in counted.items() if count > 1]:
            raise ValueError(f"two limits or budgets have the id {twice[0]!r}: their counters would be one")
        return value

    @field_validator("connect_to")
    @classmethod
    def _addresses(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for address in value.values():
            split_address(address)
        return value

    @field_validator("listen", "console")
    @classmethod
    def _address(cls, value: str) -> str:
        split_address(value)
        return value


def split_address(value: str) -> tuple[str, int]:
    """`HOST:PORT` (IPv6 in brackets) as a pair. Raises ValueError."""
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError("an address is HOST:PORT, such as 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """`$MIDWATCH_HOME`, else `~/.midwatch`."""
    home = environ.get("MIDWATCH_HOME")
    return Path(home).expanduser() if home else Path.home() / ".midwatch"


def load_config(
    *,
    file: Path | None,
    flags: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
    sections: Mapping[str, type[BaseModel]] | None = None,
) -> Config:
    """The configuration from all its sources. Raises ConfigError: one line naming source, key and what is right."""
    model = model_with(sections or {})
    try:
        return model.model_validate(merged_sources(file=file, flags=flags, environ=environ))
    except ValidationError as error:
        raise ConfigError(explain(error, model, sources_of(file=file, flags=flags, environ=environ))) from error


def sources_of(*, file: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Sources:
    """What says what. Raises ConfigError for a secret in a variable's place that is neither (see `reference_for`)."""
    return Sources(file, _environment(environ), flags, environ)


def merged_sources(
    *, file: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """What file, variables and flags say together, not checked yet.

    Raises ConfigError for a file that is no YAML, and for a secret that is not a reference (see `secret_text`).
    """
    from_file = _with_profile(read_yaml(file)) if file is not None else {}
    from_flags = _with_profile(flags)
    refuse_literals(from_file, str(file))
    refuse_literals(from_flags, "flags")
    return _merge(_merge(from_file, _environment(environ)), from_flags)


def _yaml_problem(error: Exception) -> str:
    """What is wrong and where, without the lines themselves: a secret may be written there."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem}, line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}"
    return " ".join(str(error).split())


def _with_profile(source: Mapping[str, Any]) -> dict[str, Any]:
    """`storage: production` as what it is short for, so that another source may add URLs to it."""
    storage = source.get("storage")
    return dict(source) | ({"storage": {"profile": storage}} if isinstance(storage, str) else {})


def model_with(sections: Mapping[str, type[BaseModel]]) -> type[Config]:
    """The model with each plugin's section as a field. A section without required keys has its defaults."""
    fields: dict[str, Any] = {
        name: (section, Field(default_factory=section))
        for name, section in sections.items()
        if name not in Config.model_fields
    }
    return create_model("Config", __base__=Config, **fields) if fields else Config


def read_yaml(file: Path) -> dict[str, Any]:
    """A YAML file's mapping. Raises ConfigError naming the file, and line and column of what is wrong."""
    try:
        document = yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: not YAML: {_yaml_problem(error)}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: expected keys and values at the top, found {type(document).__name__}")
    return document


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """`MIDWATCH_A__B=v` as {a: {b: v}}. Lists, mappings and `null` are read as YAML; an empty variable is none.

    A secret is not taken over: a reference to its variable stands in its place. Raises ConfigError.
    """
    found: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX) or name in _NOT_SETTINGS or not environ[name]:
            continue
        path = tuple(name.removeprefix(ENV_PREFIX).lower().split("__"))
        _set(found, path, _scalar(reference_for(path, environ[name], name)))
        found = _with_profile(found)
    refuse_literals(found, "environment")
    return found


def _set(found: dict[str, Any], path: Sequence[str], value: Any) -> None:
    place = found
    for parent in path[:-1]:
        child = place.setdefault(parent, {})
        place = child if isinstance(child, dict) else {}
    place[path[-1]] = value


def _scalar(text: str) -> Any:
    try:
        return yaml.safe_load(text) if text.strip()[:1] in {"[", "{"} or text.strip() in {"null", "~"} else text
    except yaml.YAMLError:
        return text


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        before = merged.get(key)
        merged[key] = _merge(before, value) if isinstance(before, dict) and isinstance(value, Mapping) else value
    return merged


__all__ = [
    "ENV_PREFIX",
    "Config",
    "JournalSettings",
    "PluginSettings",
    "ProviderSpec",
    "RouteSpec",
    "Section",
    "StorageSettings",
    "default_home",
    "load_config",
    "merged_sources",
    "model_with",
    "read_yaml",
    "sources_of",
    "split_address",
]

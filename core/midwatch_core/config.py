"""The configuration: one frozen model, from YAML, then `MIDWATCH_A__B` variables, then flags."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, create_model, field_validator

from midwatch_core.access.settings import AccessSettings, IdentitySettings, TenantSettings
from midwatch_core.errors import ConfigError
from midwatch_core.governing.settings import DEFAULT_LIMITS, BudgetRule, GovernanceSettings, LimitRule
from midwatch_core.model.identity import DEFAULT_TENANT
from midwatch_core.section import Section
from midwatch_core.storage_settings import BreakerSettings, StorageSettings
from midwatch_core.wire.catalogue import ProviderSpec, RouteSpec

ENV_PREFIX = "MIDWATCH_"
# Variables with the prefix that are no settings: where the home is, where recorded data is.
_NOT_SETTINGS = frozenset({"MIDWATCH_HOME", "MIDWATCH_DATA", "MIDWATCH_CHROMIUM", "MIDWATCH_LOG", "MIDWATCH_LOG_LEVEL"})


# The detectors that come with Midwatch: they are quick, linear and known not to hang.
IN_LOOP = ("rules", "secrets", "pii")


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
    connect_to: Mapping[str, str] = Field(
        default_factory=dict, description="Where to connect instead, HOST or HOST:PORT to HOST:PORT (as curl's option)."
    )
    policy: str = Field(
        "observe", min_length=1, description="What is done about findings: observe, balanced, strict, or a YAML file."
    )
    max_inspect_bytes: int = Field(32 * 1024**2, gt=0, description="Requests above this stream on unread.")
    drain_s: float = Field(30.0, ge=0, description="Seconds that calls in flight are given at shutdown.")
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
    breakers: BreakerSettings = Field(default_factory=BreakerSettings)
    journal: JournalSettings = Field(default_factory=JournalSettings)
    plugins: PluginSettings = Field(default_factory=PluginSettings)

    @field_validator("storage", mode="before")
    @classmethod
    def _profile(cls, value: object) -> object:
        return {"profile": value} if isinstance(value, str) else value

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
        raise ConfigError(_explain(error, model, _Sources(file, _environment(environ), flags))) from error


def merged_sources(
    *, file: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """What file, variables and flags say together, not checked yet. Raises ConfigError for a file that is no YAML."""
    from_file = read_yaml(file) if file is not None else {}
    return _merge(_merge(from_file, _environment(environ)), dict(flags))


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
        raise ConfigError(f"{file}: not YAML: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: expected keys and values at the top, found {type(document).__name__}")
    return document


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """`MIDWATCH_A__B=v` as {a: {b: v}}. Lists, mappings and `null` are read as YAML; an empty variable is none."""
    found: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX) or name in _NOT_SETTINGS or not environ[name]:
            continue
        *parents, last = name.removeprefix(ENV_PREFIX).lower().split("__")
        place = found
        for parent in parents:
            child = place.setdefault(parent, {})
            place = child if isinstance(child, dict) else {}
        place[last] = _scalar(environ[name])
    return found


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


@dataclass(frozen=True, slots=True)
class _Sources:
    file: Path | None
    env: Mapping[str, Any]
    flags: Mapping[str, Any]

    def of(self, path: Sequence[str]) -> str:
        """What said the setting at `path`: a flag, a variable, or the file."""
        if path and path[0] in self.flags:
            return f"--{path[0].replace('_', '-')}"
        place: Any = self.env
        for depth, part in enumerate(path):
            if not isinstance(place, Mapping) or part not in place:
                break
            place = place[part]
            if not isinstance(place, Mapping) or depth == len(path) - 1:
                return ENV_PREFIX + "__".join(path[: depth + 1]).upper()
        return str(self.file) if self.file else "configuration"


def _explain(error: ValidationError, model: type[BaseModel], sources: _Sources) -> str:
    """One line about the first setting that is wrong."""
    found = error.errors()
    # Of a setting that may be one of several things, the error that got furthest into it tells most.
    problem = max((item for item in found if item["loc"][:1] == found[0]["loc"][:1]), key=lambda item: len(item["loc"]))
    path = [str(part) for part in problem["loc"] if not _is_choice(part)]
    key = ".".join(path) or "(top)"
    if problem["type"] == "extra_forbidden":
        return f"{sources.of(path)}: {key}: no such setting{_suggestion(path, model)}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{sources.of(path)}: {key}: {message} (found {problem.get('input')!r:.80})"


def _is_choice(part: object) -> bool:
    """Whether pydantic put this into an error's place to say which of several types it tried."""
    return isinstance(part, str) and part.startswith(("literal[", "tuple[", "function-"))


def _suggestion(path: Sequence[str], model: type[BaseModel]) -> str:
    import difflib

    for part in path[:-1]:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return ""
        model = field.annotation
    close = difflib.get_close_matches(path[-1], model.model_fields, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(model.model_fields)}"


__all__ = [
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
    "split_address",
]

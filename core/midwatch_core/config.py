"""The configuration: one frozen model, from YAML, then `MIDWATCH_A__B` variables, then flags."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator

from midwatch_core.errors import ConfigError
from midwatch_core.model.identity import DEFAULT_TENANT
from midwatch_core.wire.catalogue import ProviderSpec, RouteSpec

ENV_PREFIX = "MIDWATCH_"
# Variables with the prefix that are no settings: where the home is, where recorded data is.
_NOT_SETTINGS = frozenset(
    {"MIDWATCH_HOME", "MIDWATCH_DATA", "MIDWATCH_CHROMIUM", "MIDWATCH_LOG", "MIDWATCH_LOG_LEVEL"}
)


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StorageUrls(Section):
    """Where each repository is, by URL. `lite` is SQLite in the home, `memory` is gone at exit."""

    traces: str
    metadata: str


class JournalSettings(Section):
    """The journal between workers and control."""

    max_bytes: int = Field(1024**3, gt=0, description="Disk the journal may take before texts are left out.")
    segment_bytes: int = Field(16 * 1024**2, gt=0, description="Size at which a segment file is sealed.")
    when_full: Literal["pass", "refuse"] = Field("pass", description="What happens to calls that can't be journalled.")


class PluginSettings(Section):
    """Which plugins load, and in which order ties break."""

    allow: tuple[str, ...] | None = Field(None, description="Only these load; all that are installed, if not given.")
    order: tuple[str, ...] = Field((), description="Names that come first, in this order.")


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
    max_inspect_bytes: int = Field(32 * 1024**2, gt=0, description="Requests above this stream on unread.")
    drain_s: float = Field(30.0, ge=0, description="Seconds that calls in flight are given at shutdown.")
    storage: Literal["lite", "memory"] | StorageUrls = Field("lite", description="A profile, or URLs.")
    retention_days: float | None = Field(30, gt=0, description="Days an exchange is kept; null keeps it for ever.")
    journal: JournalSettings = Field(default_factory=JournalSettings)
    plugins: PluginSettings = Field(default_factory=PluginSettings)

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
    if not colon or not port.isdigit() or int(port) > 65535 or not host:
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
    from_file = read_yaml(file) if file is not None else {}
    from_env = _environment(environ)
    merged = _merge(_merge(from_file, from_env), dict(flags))
    try:
        return model_with(sections or {}).model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(_explain(first, flags, from_env, file)) from error


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
    """`MIDWATCH_A__B=v` as {a: {b: v}}; values are YAML, so that lists and numbers can be given."""
    found: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX) or name in _NOT_SETTINGS:
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
        return yaml.safe_load(text) if text.strip()[:1] in "[{" else text
    except yaml.YAMLError:
        return text


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        before = merged.get(key)
        merged[key] = _merge(before, value) if isinstance(before, dict) and isinstance(value, Mapping) else value
    return merged


def _explain(error: Any, flags: Mapping[str, Any], env: Mapping[str, Any], file: Path | None) -> str:
    path = [str(part) for part in error["loc"]]
    key = ".".join(path) or "(top)"
    source = _source(path, flags, env, file)
    if error["type"] == "extra_forbidden":
        return f"{source}: {key}: no such setting{_suggestion(path)}"
    return f"{source}: {key}: {error['msg'].removeprefix('Value error, ')} (found {error.get('input')!r:.80})"


def _source(path: list[str], flags: Mapping[str, Any], env: Mapping[str, Any], file: Path | None) -> str:
    if path and path[0] in flags:
        return f"--{path[0].replace('_', '-')}"
    place: Any = env
    for depth, part in enumerate(path):
        if not isinstance(place, Mapping) or part not in place:
            break
        place = place[part]
        if not isinstance(place, Mapping) or depth == len(path) - 1:
            return ENV_PREFIX + "__".join(path[: depth + 1]).upper()
    return str(file) if file else "configuration"


def _suggestion(path: list[str]) -> str:
    import difflib

    known = list(Config.model_fields) if len(path) == 1 else []
    close = difflib.get_close_matches(path[-1], known, n=1)
    return f"; did you mean {close[0]!r}?" if close else (f"; there are {', '.join(known)}" if known else "")


__all__ = [
    "Config",
    "JournalSettings",
    "PluginSettings",
    "ProviderSpec",
    "RouteSpec",
    "Section",
    "StorageUrls",
    "default_home",
    "load_config",
    "model_with",
    "read_yaml",
    "split_address",
]

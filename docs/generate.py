"""Writes the reference pages from the code: `uv run python docs/generate.py`. A test checks that they are current."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from midwatch_core.config import ENV_PREFIX, Config, Section
from midwatch_core.hosting import Plugins

HERE = Path(__file__).parent
# Sections of plugins that do not come along: they may be installed here or not, and have pages of their own.
_APART = frozenset({"grpc"})


def configuration() -> str:
    """The page of all settings: core's and those of the plugins that come along."""
    plugins = Plugins()
    plugins.discover()
    lines = [
        "# Settings",
        "",
        "Read from `config.yaml` in the home (or `--config FILE`), then from variables, then from flags. A variable's",
        f"name is `{ENV_PREFIX}` and the setting's in capitals, `__` for each dot: `journal.max_bytes` is",
        f"`{ENV_PREFIX}JOURNAL__MAX_BYTES`. Secrets are `${{VARIABLE}}` or `${{file:PATH}}` (see [stores](stores.md)).",
        "`limits[].id` is a key of each item of a list, `tenants.NAME.title` one under each name. This page is made",
        "from the code.",
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
        *_rows(Config, ""),
    ]
    for section, model in sorted(plugins.sections().items()):
        if section not in _APART:
            lines += _rows(model, f"{section}.")
    return "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{prefix}{name}.")
            continue
        yield f"| `{prefix}{name}` | {_default(field)} | {(field.description or '').replace('|', '&#124;')} |"
        for place, inner in _inner(kind):
            yield from _rows(inner, f"{prefix}{name}{place}")


def _inner(kind: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models in a list (`limits[].id`) or under names (`tenants.NAME.title`)."""
    places = {tuple: "[].", Mapping: ".NAME."}
    for argument in get_args(kind):
        if isinstance(argument, type) and issubclass(argument, Section) and get_origin(kind) in places:
            yield places[get_origin(kind)], argument


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    return "none" if value is None or value in ((), {}, "") else f"`{_shown(value)}`"


def _shown(value: Any) -> str:
    """A value as it is written in YAML, nearly; of a model what was given."""
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, BaseModel):
        return "{" + ", ".join(f"{key}: {item}" for key, item in value.model_dump(exclude_unset=True).items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def main() -> None:
    """Write all pages."""
    (HERE / "configuration.md").write_text(configuration())


if __name__ == "__main__":
    main()

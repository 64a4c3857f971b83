"""Writes the reference pages from the code: `uv run python docs/generate.py`. A test checks that they are current."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from midwatch_core.config import ENV_PREFIX, Config
from midwatch_core.hosting import Plugins

HERE = Path(__file__).parent


def configuration() -> str:
    """The page of all settings: core's and those of the plugins that come along."""
    plugins = Plugins()
    plugins.discover()
    lines = [
        "# Settings",
        "",
        "Read from `config.yaml` in the home (or `--config FILE`), then from variables, then from flags. A variable's",
        f"name is `{ENV_PREFIX}` and the setting's in capitals, `__` for each dot: `journal.max_bytes` is",
        f"`{ENV_PREFIX}JOURNAL__MAX_BYTES`. This page is made from the code.",
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
        *_rows(Config, ""),
    ]
    for section, model in sorted(plugins.sections().items()):
        lines += _rows(model, f"{section}.")
    return "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{prefix}{name}.")
        else:
            yield f"| `{prefix}{name}` | {_default(field)} | {(field.description or '').replace('|', '&#124;')} |"


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}):
        return "none"
    return f"`{', '.join(map(str, value)) if isinstance(value, tuple) else value}`"


def main() -> None:
    """Write all pages."""
    (HERE / "configuration.md").write_text(configuration())


if __name__ == "__main__":
    main()

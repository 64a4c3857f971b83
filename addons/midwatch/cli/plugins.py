"""`plugins`: what is installed, how it does in the running house; and a project to begin one of your own with."""

import asyncio
import keyword
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from midwatch.cli.printing import count, print_json, print_table, print_text, visible
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch.plugin_rows import plugin_rows
from midwatch.settings import resolve
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError
from midwatch_core.hookspecs import PROJECT
from midwatch_core.hosting import section_of

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_SUFFIX = ".template"
_COLUMNS = ("plugin", "version", "state", "runs in", "calls", "mean", "errors", "hooks, or what is wrong")


def list_plugins(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Print plugins; 1 where one does not load or is disabled."""
    rows = _running(home) or _alone(home, config_file)
    if as_json:
        print_json(rows)
    else:
        print_table("", _COLUMNS, [_cells(row) for row in rows], right=("calls", "mean", "errors"))
    return 1 if any(row["state"] in ("not loaded", "disabled") for row in rows) else 0


def _running(home: Home) -> list[dict[str, Any]] | None:
    """As the house that runs in this home tells it."""
    try:
        status = asyncio.run(LineClient(home.control_socket).ask({"op": "status"}, timeout_s=3.0))
    except ControlAbsentError:
        return None
    rows: list[dict[str, Any]] = status["plugins"]
    return rows


def _alone(home: Home, config_file: Path | None) -> list[dict[str, Any]]:
    settings = resolve(home, config_file=config_file, flags={})
    return plugin_rows(settings.plugins, settings.config.plugins.in_loop)


def _cells(row: Mapping[str, Any]) -> list[str]:
    mean_ms = row["mean_ms"]
    wrong = visible(row["last_error"] or "")
    return [
        row["name"],
        row["version"],
        row["state"],
        row["runs_in"],
        count(row["calls"]),
        "-" if mean_ms is None else f"{mean_ms:.2f} ms",
        count(row["errors"]),
        wrong if row["state"] != "ok" and wrong else ", ".join(row["hooks"]),
    ]


def new_plugin(name: str, directory: Path) -> int:
    """Write a project that passes its tests at once into the folder `name` of a directory. Raises ConfigError."""
    _check_name(name)
    folder = directory / name
    words = {"@name@": name, "@module@": _module(name), "@title@": name.replace("-", " ").capitalize()}
    template = files("midwatch.cli") / "template"
    try:
        folder.mkdir(parents=True)
        for place, text in _written(template, Path(), words):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise ConfigError(f"plugins new: {folder} exists already; choose another name, or --dir") from None
    except OSError as error:
        raise ConfigError(f"plugins new: {folder}: {error.strerror}") from error
    print_text(f"{folder}: a plugin with a detector, a rule pack and tests. Next: cd {folder} && pytest")
    return 0


def _written(template: Traversable, place: Path, words: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    for item in template.iterdir():
        here = place / _filled(item.name, words)
        if item.is_dir():
            yield from _written(item, here, words)
        elif item.name.endswith(_SUFFIX):
            yield here.with_name(here.name.removesuffix(_SUFFIX)), _filled(item.read_text(encoding="utf-8"), words)


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text


def _module(name: str) -> str:
    return f"{PROJECT}_{section_of(name)}"


def _check_name(name: str) -> None:
    """Raises ConfigError for a name that a plugin can't have, or that something else has."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigError(
            f"plugins new {name!r:.60}: a name is lower-case letters, digits and single hyphens, such as acme-words"
        )
    if name.startswith(f"{PROJECT}-"):
        raise ConfigError(f"plugins new {name}: leave out {PROJECT}-, the distribution's name begins with it anyway")
    if section_of(name) in Config.model_fields or keyword.iskeyword(name):
        raise ConfigError(f"plugins new {name}: that is the name of a setting; choose another")
    if name in entry_points(group=PROJECT).names or find_spec(_module(name)) is not None:
        raise ConfigError(f"plugins new {name}: a plugin of that name is installed; choose another")

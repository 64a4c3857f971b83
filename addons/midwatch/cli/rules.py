"""`rules`: what rules there are, whether packs are sound, what a pack may say."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from midwatch.cli.printing import print_json, print_table
from midwatch.home import Home
from midwatch.packs import PACK_SUFFIX, pack_files
from midwatch.rule_rows import rule_row
from midwatch.settings import resolve
from midwatch_core.errors import ConfigError
from midwatch_core.rulepack import Pack, RulePackError, load_pack, pack_schema, self_test


def list_rules(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Print every rule of every pack that is installed or in the home."""
    rows = [rule_row(rule.spec, pack.head, source) for source, pack in _packs(home, config_file) for rule in pack.rules]
    if as_json:
        print_json(rows)
    else:
        columns = ("id", "severity", "confidence", "category", "title")
        print_table("", columns, [[str(row[column]) for column in columns] for row in rows])
    return 0


def check_packs(places: list[Path]) -> int:
    """Check packs, or all in folders: form, time of patterns, their own examples. 1 where one is not sound."""
    problems = 0
    for file in _files(places):
        found = _problems_of(file)
        problems += len(found)
        print(f"{file}: {'ok' if not found else ''}".rstrip())
        for problem in found:
            print(f"  {problem}")
    return 1 if problems else 0


def print_schema() -> int:
    """Print the JSON Schema of packs, for editors."""
    print(orjson.dumps(pack_schema(), option=orjson.OPT_INDENT_2).decode())
    return 0


def _packs(home: Home, config_file: Path | None) -> Iterator[tuple[str, Pack]]:
    plugins = resolve(home, config_file=config_file, flags={}).plugins
    for name, data in pack_files(plugins, home):
        yield name, _loaded(data, name)


def _loaded(data: bytes, name: str) -> Pack:
    try:
        return load_pack(data, name)
    except RulePackError as error:
        raise ConfigError(str(error)) from error


def _files(places: list[Path]) -> list[Path]:
    files = [
        file for place in places for file in (sorted(place.rglob(f"*{PACK_SUFFIX}")) if place.is_dir() else [place])
    ]
    if not files:
        raise ConfigError(f"rules check: no *{PACK_SUFFIX} in {', '.join(map(str, places))}")
    return files


def _problems_of(file: Path) -> list[str]:
    try:
        return list(self_test(load_pack(file.read_bytes(), file.name)))
    except OSError as error:
        return [str(error.strerror)]
    except RulePackError as error:
        return [str(error)]

"""`policy`: which there are, what they say, whether one is sound, and why a call was treated as it was."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from midwatch.cli.printing import print_json, print_table, print_text, visible
from midwatch.cli.stored import Stored
from midwatch.home import Home
from midwatch.packs import known_detectors
from midwatch.settings import (
    Settings,
    policy_in_use,
    policy_is_shipped,
    policy_named,
    policy_of,
    policy_text,
    resolve,
)
from midwatch_core.contributions import ResourceKind
from midwatch_core.model.exchange import Exchange
from midwatch_core.policy import PolicyError, subject_of
from midwatch_core.policy_doubts import Known, doubts
from midwatch_core.policy_file import PolicyFile, read_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A policy as it is written."""

    name: str
    source: str
    data: bytes


def list_policies(home: Home, config_file: Path | None, *, as_json: bool) -> int:
    """Print the policies that can be named, and which of them is used."""
    settings = resolve(home, config_file=config_file, flags={})
    used = policy_in_use(settings)
    rows = [_row(item, used) for item in _known(settings, used)]
    if as_json:
        print_json(rows)
    else:
        columns = ("used", "name", "id", "version", "lines", "source")
        print_table("", columns, [[_cell(row[column]) for column in columns] for row in rows])
    return 0


def show_policy(home: Home, config_file: Path | None, name: str | None, *, as_json: bool) -> int:
    """Print a policy as it is written, its notes too; the one in use if none is named."""
    settings = resolve(home, config_file=config_file, flags={})
    item = _text_of(settings, name or policy_in_use(settings))
    policy = read_policy(item.data, item.name)
    if as_json:
        document = policy.model_dump(mode="json")
        print_json([{"name": item.name, "source": item.source, **document}])
    else:
        print_text(item.data.decode("utf-8", "replace").rstrip("\n"))
    return 0


def check_policies(home: Home, config_file: Path | None, files: list[Path]) -> int:
    """Check files: 1 where one can't be used. What is doubtful is told, and is no failure."""
    read = [(file, _read(file)) for file in files]
    sound = any(isinstance(policy, PolicyFile) for _, policy in read)
    known = known_detectors(resolve(home, config_file=config_file, flags={}).plugins, home) if sound else Known()
    today = datetime.now(UTC).date()
    for file, policy in read:
        if isinstance(policy, PolicyFile):
            told = "".join(f"\n  warning: {doubt}" for doubt in doubts(policy, known, today))
            print_text(f"{file}: ok{told}")
        else:
            print_text(f"{file}: {policy}")
    return 0 if all(isinstance(policy, PolicyFile) for _, policy in read) else 1


def explain_exchange(home: Home, config_file: Path | None, exchange_id: str, name: str | None, *, as_json: bool) -> int:
    """Print why a policy treats a stored exchange as it does; 1 where there is none of this id."""
    settings = resolve(home, config_file=config_file, flags={})
    policy = policy_named(settings, name) if name else policy_of(settings)
    exchange = asyncio.run(Stored(home, config_file).exchange(exchange_id))
    if exchange is None:
        print(f"midwatch: no exchange {visible(exchange_id)}", file=sys.stderr)
        return 1
    told = policy.explain(exchange.findings, subject_of(exchange), exchange.started_at)
    recorded = list(_recorded(exchange))
    if as_json:
        action = policy.decide(exchange.findings, subject_of(exchange), exchange.started_at).verdict.action
        print_json(
            [
                {
                    "id": exchange.id,
                    "policy": policy.name,
                    "action": action.name.lower(),
                    "explain": told,
                    "recorded": recorded,
                }
            ]
        )
    else:
        print_text("\n".join(map(visible, [*told, *recorded])))
    return 0


def _recorded(exchange: Exchange) -> Iterator[str]:
    for verdict in exchange.verdicts:
        behind = "/".join(filter(None, (verdict.policy, verdict.policy_line)))
        would = "would have been " if verdict.dry_run else ""
        reason = f" ({verdict.reason})" if verdict.reason else ""
        yield f"recorded: {would}{verdict.action.name.lower()} by {behind or 'no line'}{reason}"


def _known(settings: Settings, used: str) -> Iterator[_Text]:
    shipped = [item.name for item in settings.plugins.gather("resources") if item.kind is ResourceKind.POLICY]
    for name in dict.fromkeys((*shipped, settings.config.policy, used)):
        yield _text_of(settings, name)


def _text_of(settings: Settings, name: str) -> _Text:
    source, data = policy_text(settings, name)
    return _Text(name=name, source="shipped" if policy_is_shipped(settings.plugins, name) else source, data=data)


def _row(item: _Text, used: str) -> dict[str, Any]:
    policy = read_policy(item.data, item.name)
    return {
        "name": item.name,
        "id": policy.policy.id,
        "version": policy.policy.version,
        "lines": len(policy.lines),
        "source": item.source,
        "used": item.name == used,
    }


def _cell(value: object) -> str:
    return ("*" if value else "") if isinstance(value, bool) else visible(str(value))


def _read(file: Path) -> PolicyFile | str:
    """The policy in a file, or what is wrong with it."""
    try:
        return read_policy(file.read_bytes(), file.name)
    except OSError as error:
        return str(error.strerror)
    except PolicyError as error:
        return str(error)

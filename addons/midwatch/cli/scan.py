"""`scan`: the detection engine offline. Texts in, findings out, one JSON object a line."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from midwatch.cli.printing import print_json, visible
from midwatch.home import Home
from midwatch.settings import resolve
from midwatch_core.engine import Engine, Scan
from midwatch_core.errors import ConfigError
from midwatch_core.host import Host, Role
from midwatch_core.metrics import Metrics
from midwatch_core.model.segment import Part


def scan(
    home: Home, config_file: Path | None, texts: Sequence[str], jsonl: str | None, where: str, *, as_json: bool
) -> int:
    """Scan texts, or the lines of a JSONL file (`-` is standard input); 1 where something was found."""
    engine = _engine(home, config_file)
    part = _part(where)
    if jsonl is not None:
        return _scan_lines(engine, jsonl, part)
    results = [engine.scan(text, where=part) for text in (texts or [sys.stdin.read()])]
    if as_json:
        print_json(answer(result) for result in results)
    else:
        print("\n".join(line for result in results for line in _lines(result)) or "nothing found")
    return 1 if any(result.findings for result in results) else 0


def answer(result: Scan) -> dict[str, Any]:
    """The stable keys: findings, action, score."""
    return {
        "findings": [asdict(finding) for finding in result.findings],
        "action": "flag" if result.findings else "allow",
        "score": result.score,
        **({"failures": result.failures} if result.failures else {}),
    }


def _engine(home: Home, config_file: Path | None) -> Engine:
    settings = resolve(home, config_file=config_file, flags={})
    metrics = Metrics()
    metrics.declare(settings.plugins.gather("metrics"))
    host = Host(
        role=Role.COMMAND,
        home=home.root,
        metrics=metrics,
        settings=dict(settings.config),
        resources=tuple(settings.plugins.gather("resources")),
    )
    for outcome in settings.plugins.call_all("startup", host=host):
        if isinstance(outcome.error, ConfigError):
            raise outcome.error
    return Engine(settings.plugins)


def _part(where: str) -> Part:
    try:
        return Part(where)
    except ValueError:
        raise ConfigError(f"--where {where}: there are {', '.join(Part)}") from None


def _scan_lines(engine: Engine, source: str, part: Part) -> int:
    """Answers come in order, one line each, also for a line that is no text: scripts pair them by position."""
    for line in _lines_of(source):
        try:
            document = orjson.loads(line)
            given = document.get("where")
            result = answer(engine.scan(str(document["text"]), where=Part(given) if given else part))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            result = {"findings": [], "action": "allow", "score": 0.0, "error": f"not a text: {error}"}
        print_json([result])
    return 0


def _lines_of(source: str) -> Iterator[bytes]:
    if source == "-":
        yield from sys.stdin.buffer
        return
    try:
        with Path(source).open("rb") as file:
            yield from file
    except OSError as error:
        raise ConfigError(f"--jsonl {source}: {error.strerror}") from error


def _lines(result: Scan) -> Iterator[str]:
    for finding in result.findings:
        place = f"{finding.start}-{finding.end}"
        owasp = f" {', '.join(finding.owasp)}" if finding.owasp else ""
        yield f"{finding.severity:<9}{finding.rule}  {place}  {visible(finding.evidence or '')}"
        yield f"         {finding.message} ({finding.category}, {finding.confidence:.0%}{owasp}, by {finding.plugin})"

"""`scan`: the detection engine offline. Texts in, findings out, one JSON object a line."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from midwatch.cli.printing import print_json, print_text, visible
from midwatch.cli.texts import STDIN, NoTextError, Source, from_file, from_lines, from_word, part_of, read_line
from midwatch.cli.under_way import UnderWay
from midwatch.home import Home
from midwatch.settings import Settings, policy_named, policy_of, resolve
from midwatch_core.engine import Engine
from midwatch_core.errors import ConfigError
from midwatch_core.host import Host, Role
from midwatch_core.inspection import Scan
from midwatch_core.judging import direction_of, judged
from midwatch_core.metrics import Metrics
from midwatch_core.model.segment import Part
from midwatch_core.policy import Policy, Subject

# How long plugins are given to end what they have begun.
_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What `scan` is to do: texts, files and JSON lines, which part they are, by which policy."""

    texts: Sequence[str] = ()
    files: Sequence[str] = ()
    jsonl: str | None = None
    where: str = Part.USER
    policy: str | None = None
    explain: bool = False
    as_json: bool = False


def scan(home: Home, config_file: Path | None, asked: Asked) -> int:
    """Scan texts: 1 where something was found. Lines of a JSONL are answered each, and 0 when all were."""
    part = part_of(asked.where)
    settings = resolve(home, config_file=config_file, flags={})
    policy = policy_named(settings, asked.policy) if asked.policy else policy_of(settings)
    host = _host(settings)
    scanner = Scanner(_engine(settings, host), policy, settings.config.tenant, explain=asked.explain)
    if asked.jsonl is not None and (asked.texts or asked.files):
        raise ConfigError("scan: --jsonl stands alone; give other texts in a call of their own")
    if scanner.waits:
        return asyncio.run(_with_models(settings, host, _waiting(scanner, asked, part, settings)))
    most = settings.config.max_inspect_bytes
    if asked.jsonl is not None:
        print_json(_answered(scanner, line, part) for line in from_lines(asked.jsonl, most))
        return 0
    found = [_tell(source, scanner.answer(source.text, part), asked) for source in _sources(asked, most)]
    return int(any(found))


async def _with_models(settings: Settings, host: Host, scanning: Coroutine[None, None, int]) -> int:
    """Scan, and let plugins end what they have begun: no model outlives the command."""
    try:
        return await scanning
    finally:
        await settings.plugins.wait_all("shutdown", deadline_s=_CLOSE_S, host=host)


async def _waiting(scanner: "Scanner", asked: Asked, part: Part, settings: Settings) -> int:
    """The same, waiting for what models say: of lines there are many under way."""
    most = settings.config.max_inspect_bytes
    if asked.jsonl is None:
        sources = _sources(asked, most)
        found = [_tell(item, await scanner.answer_waiting(item.text, part), asked) for item in sources]
        return int(any(found))

    async def answer(line: bytes | None) -> dict[str, Any]:
        try:
            return await scanner.answer_waiting(*read_line(line, part))
        except NoTextError as error:
            return _no_text(error)

    async for told in UnderWay(from_lines(asked.jsonl, most), answer).answers():
        print_json([told])
    return 0


def _tell(source: Source, answer: dict[str, Any], asked: Asked) -> bool:
    """Print the answer to a text; whether something was found."""
    if asked.as_json:
        print_json([answer | ({"file": source.file} if source.file else {})])
    else:
        print_text("\n".join(_told(source, answer)))
    return bool(answer["findings"])


def _host(settings: Settings) -> Host:
    metrics = Metrics()
    metrics.declare(settings.plugins.gather("metrics"))
    return Host(
        role=Role.COMMAND,
        home=settings.home.root,
        metrics=metrics,
        settings=dict(settings.config),
        resources=tuple(settings.plugins.gather("resources")),
    )


def _engine(settings: Settings, host: Host) -> Engine:
    """The engine that guards traffic, in this process. Raises ConfigError, such as for a bad pack."""
    for outcome in settings.plugins.call_all("startup", host=host):
        if isinstance(outcome.error, ConfigError):
            raise outcome.error
    return Engine(settings.plugins)


class Scanner:
    """Asks the engine about texts, and a policy about what was found."""

    def __init__(self, engine: Engine, policy: Policy, tenant: str, *, explain: bool) -> None:
        self._engine = engine
        self._policy = policy
        self._subject = Subject(tenant=tenant)
        self._explain = explain

    def answer(self, text: str, part: Part) -> dict[str, Any]:
        """The stable keys (findings, action, score), and what else there is to say of a text."""
        return self._judged(self._engine.scan(text, where=part, direction=direction_of(part)), part)

    async def answer_waiting(self, text: str, part: Part) -> dict[str, Any]:
        """The same, when models have had their say."""
        return self._judged(await self._engine.scan_waiting(text, where=part, direction=direction_of(part)), part)

    @property
    def waits(self) -> bool:
        """Whether there are models to wait for."""
        return self._engine.has_models

    def _judged(self, result: Scan, part: Part) -> dict[str, Any]:
        at = datetime.now(UTC)
        told = judged(result, part, self._policy, self._subject, at)
        return {
            "findings": [
                {**asdict(finding), "action": action.name.lower()}
                for finding, action in zip(told.findings, told.actions, strict=True)
            ],
            "action": told.action.name.lower(),
            "score": told.score,
            **({"failures": told.failures} if told.failures else {}),
            **({"explain": self._policy.explain(result.findings, self._subject, at)} if self._explain else {}),
        }


def _sources(asked: Asked, most: int) -> Iterator[Source]:
    files = asked.files if asked.texts or asked.files else (STDIN,)
    yield from map(from_word, asked.texts)
    for file in files:
        yield from_file(file, most)


def _answered(scanner: Scanner, line: bytes | None, part: Part) -> dict[str, Any]:
    """Answers come in order, one line each, also for a line that is no text: scripts pair them by position."""
    try:
        return scanner.answer(*read_line(line, part))
    except NoTextError as error:
        return _no_text(error)


def _no_text(error: NoTextError) -> dict[str, Any]:
    return {"findings": [], "action": "allow", "score": 0.0, "error": f"not a text: {error}"}


def _told(source: Source, answer: dict[str, Any]) -> Iterator[str]:
    if source.file and source.file != STDIN:
        yield f"{visible(source.file)}: {answer['action']}"
    for finding in answer["findings"]:
        place = f"{finding['start']}-{finding['end']}"
        owasp = f" {', '.join(finding['owasp'])}" if finding["owasp"] else ""
        yield f"{finding['severity']:<9}{finding['rule']}  {place}  {visible(finding['evidence'] or '')}"
        yield (
            f"         {finding['message']} ({finding['category']}, {finding['confidence']:.0%}{owasp}, "
            f"by {finding['plugin']}) → {finding['action']}"
        )
    if not answer["findings"]:
        yield "nothing found"
    for plugin in answer.get("failures", ()):
        yield f"the detector {plugin} failed"
    yield from answer.get("explain", ())

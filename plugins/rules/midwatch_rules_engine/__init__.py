"""Matches YAML rule packs on the texts of LLM calls, and looks at calls as a whole."""

import logging
from collections.abc import Iterator
from pathlib import Path

from midwatch_core import (
    ConfigError,
    Detection,
    Exchange,
    Finding,
    Host,
    Json,
    Part,
    PluginHealth,
    ResourceKind,
    Role,
    Text,
    hookimpl,
)
from midwatch_rules_engine.bounds import Bounds
from midwatch_rules_engine.exchanges import Exchanges
from midwatch_rules_engine.ledger import Ledger
from midwatch_rules_engine.shelf import Shelf, Source

logger = logging.getLogger(__name__)

SUFFIX = ".rules.yaml"
_LEDGER = "tools-seen.json"
_MOST_TOLD = 50


class Rules:
    """The packs of all plugins, the user's own in the home's folder `rules`, and detectors for whole calls."""

    Config = Bounds

    def __init__(self, config: Bounds | None = None) -> None:
        self._bounds = config or Bounds()
        self._shelf = Shelf()
        self._exchanges = Exchanges(self._bounds)

    @hookimpl
    def startup(self, host: Host) -> None:
        """Read all packs, and the tools that were seen before. A bad pack is reported and left out.

        Raises ConfigError for it in a command: who typed it is there to be told.
        """
        problems = self._shelf.take(_sources(host))
        for problem in problems:
            logger.error("a pack of rules is left out: %s", problem)
        if problems and host.role is Role.COMMAND:
            raise ConfigError("; ".join(problems))
        if host.role in (Role.WORKER, Role.CONTROL):
            self._exchanges = Exchanges(self._bounds, Ledger(host.home / _LEDGER))
        if host.role is Role.CONTROL:
            self._exchanges.tidy()

    @hookimpl
    def watched(self, host: Host) -> list[Path]:
        """The user's packs."""
        return [host.home / "rules", *_own_files(host)]

    @hookimpl
    def reload(self, host: Host) -> None:
        """Read all packs again. Raises ConfigError that names the bad ones: of those the last good version stays."""
        if problems := self._shelf.take(_sources(host)):
            raise ConfigError("; ".join(problems))

    @hookimpl
    def health(self) -> PluginHealth | None:
        """Ready always; `refused` are the packs that can't be used as they are, and why."""
        if not self._shelf.refused:
            return None
        refused: list[Json] = [{"pack": Path(name).name, "problem": why} for name, why in self._shelf.refused.items()]
        return PluginHealth(ready=True, facts={"refused": refused[:_MOST_TOLD]})

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        """What the rules see in a text."""
        return self._shelf.rules.match(text, part)

    @hookimpl
    def inspect_exchange(self, exchange: Exchange) -> list[Finding]:
        """What a call shows as a whole: its sizes, filler, changed tools, a recited system text."""
        return self._exchanges.inspect(exchange)


def _own_files(host: Host) -> list[Path]:
    return sorted((host.home / "rules").glob(f"*{SUFFIX}"))


def _sources(host: Host) -> Iterator[Source]:
    """Packs of plugins, then the user's. Only who must refuse a slow one times it: others load what was let in."""
    times = host.role in (Role.CONTROL, Role.COMMAND)
    for resource in host.resources:
        if resource.kind is ResourceKind.RULES:
            yield Source(name=resource.name, data=resource.path.read_bytes(), timed=resource.timed or not times)
    for file in _own_files(host):
        yield Source(name=str(file), data=file.read_bytes(), timed=not times)

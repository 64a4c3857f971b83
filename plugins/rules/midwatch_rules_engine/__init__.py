"""Matches YAML rule packs on the texts of LLM calls, and looks at calls as a whole."""

from collections.abc import Iterable
from pathlib import Path

from midwatch_core import (
    ConfigError,
    Detection,
    Exchange,
    Finding,
    Host,
    Pack,
    Part,
    ResourceKind,
    Role,
    RulePackError,
    RuleSet,
    Text,
    hookimpl,
)
from midwatch_core import load_pack as load
from midwatch_rules_engine.bounds import Bounds
from midwatch_rules_engine.exchanges import Exchanges
from midwatch_rules_engine.ledger import Ledger

SUFFIX = ".rules.yaml"
_LEDGER = "tools-seen.json"


class Rules:
    """The packs of all plugins, the user's own in the home's folder `rules`, and detectors for whole calls."""

    Config = Bounds

    def __init__(self, config: Bounds | None = None) -> None:
        self._bounds = config or Bounds()
        self._rules = RuleSet(())
        self._exchanges = Exchanges(self._bounds)

    @hookimpl
    def startup(self, host: Host) -> None:
        """Read all packs, and the tools that were seen before. Raises ConfigError on a bad pack."""
        self.reload(host)
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
        """Read all packs again. Raises ConfigError on a bad one, and the last good ones stay."""
        shipped = [
            _loaded(resource.path.read_bytes(), resource.name)
            for resource in host.resources
            if resource.kind is ResourceKind.RULES
        ]
        own = [_loaded(file.read_bytes(), str(file)) for file in _own_files(host)]
        self._rules = _compiled([*shipped, *own])

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        """What the rules see in a text."""
        return self._rules.match(text, part)

    @hookimpl
    def inspect_exchange(self, exchange: Exchange) -> list[Finding]:
        """What a call shows as a whole: its sizes, filler, changed tools, a recited system text."""
        return self._exchanges.inspect(exchange)


def _own_files(host: Host) -> list[Path]:
    return sorted((host.home / "rules").glob(f"*{SUFFIX}"))


def _loaded(data: bytes, name: str) -> Pack:
    try:
        return load(data, name)
    except RulePackError as error:
        raise ConfigError(str(error)) from error


def _compiled(packs: Iterable[Pack]) -> RuleSet:
    try:
        return RuleSet(packs)
    except RulePackError as error:
        raise ConfigError(str(error)) from error

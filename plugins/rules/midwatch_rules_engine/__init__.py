"""Matches YAML rule packs on the texts of LLM calls."""

from collections.abc import Iterable
from pathlib import Path

from midwatch_core import ConfigError, Detection, Host, Pack, Part, ResourceKind, RulePackError, RuleSet, Text, hookimpl
from midwatch_core import load_pack as load

SUFFIX = ".rules.yaml"


class Rules:
    """The packs of all plugins, and the user's own in the home's folder `rules`."""

    def __init__(self) -> None:
        self._rules = RuleSet(())

    @hookimpl
    def startup(self, host: Host) -> None:
        """Read all packs. Raises ConfigError on a bad one."""
        self.reload(host)

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

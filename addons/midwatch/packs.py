"""Packs of rules: those that plugins bring and those of the home, as they are written."""

from collections.abc import Iterator

from midwatch.home import Home
from midwatch_core.contributions import ResourceKind
from midwatch_core.errors import ConfigError
from midwatch_core.hosting import Plugins
from midwatch_core.policy_doubts import Known
from midwatch_core.rulepack import RulePackError
from midwatch_core.rulepack.reading import read_spec

PACK_SUFFIX = ".rules.yaml"


def pack_files(plugins: Plugins, home: Home) -> Iterator[tuple[str, bytes]]:
    """Every pack that plugins bring or the home has: its name, or its file, and what is in it."""
    for resource in plugins.gather("resources"):
        if resource.kind is ResourceKind.RULES:
            yield resource.name, resource.path.read_bytes()
    for file in sorted((home.root / "rules").glob(f"*{PACK_SUFFIX}")):
        yield str(file), file.read_bytes()


def known_detectors(plugins: Plugins, home: Home) -> Known:
    """The rules of all packs, read and not compiled: only their names are asked for. Raises ConfigError."""
    try:
        specs = [read_spec(data, name) for name, data in pack_files(plugins, home)]
    except RulePackError as error:
        raise ConfigError(str(error)) from error
    return Known(
        rules={f"{spec.pack.id}/{rule.id}" for spec in specs for rule in spec.rules},
        categories={rule.category for spec in specs for rule in spec.rules},
    )

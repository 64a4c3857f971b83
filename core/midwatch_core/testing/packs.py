"""The rule packs that plugins bring, matched without the plugin `rules`: for tests where that is not installed."""

from midwatch_core.contributions import ResourceKind
from midwatch_core.hookspecs import hookimpl
from midwatch_core.host import Host
from midwatch_core.model.detection import Detection
from midwatch_core.model.segment import Part
from midwatch_core.rulepack import RuleSet, load_pack
from midwatch_core.views import Text


class Packs:
    """Matches all packs of `host.resources`."""

    def __init__(self) -> None:
        self._rules = RuleSet(())

    @hookimpl
    def startup(self, host: Host) -> None:
        """Read the packs. Raises RulePackError on a bad one."""
        self._rules = RuleSet(
            load_pack(resource.path.read_bytes(), resource.name)
            for resource in host.resources
            if resource.kind is ResourceKind.RULES
        )

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        """What the packs' rules see."""
        return self._rules.match(text, part)

"""The packs in use: each read by itself, so that a bad one costs nobody else's; its last good version stays."""

from collections.abc import Iterable
from dataclasses import dataclass

from midwatch_core import Pack, RulePackError, RuleSet, load_pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A pack's bytes; `timed` where its patterns need not be timed on hostile text again."""

    name: str
    data: bytes
    timed: bool = False


class Shelf:
    """Reads packs and remembers the good ones by name."""

    def __init__(self) -> None:
        self.rules = RuleSet(())
        self.refused: dict[str, str] = {}
        """What is wrong with the packs that can't be used, or not as they are now, by name."""
        self._read: dict[str, tuple[bytes, Pack]] = {}

    def take(self, sources: Iterable[Source]) -> list[str]:
        """Use these packs from now on; what is wrong with them, a line each. What can't be used is left out."""
        self.refused = {}
        kept: dict[str, tuple[bytes, Pack]] = {}
        for source in sources:
            before = self._read.get(source.name)
            if before is not None and before[0] == source.data:
                kept[source.name] = before
                continue
            try:
                kept[source.name] = source.data, _loaded(source)
            except RulePackError as error:
                self.refused[source.name] = str(error)
                if before is not None:
                    kept[source.name] = before
        self._read = kept
        self.rules = self._together()
        return list(self.refused.values())

    def _together(self) -> RuleSet:
        """All packs as one set; without those that do not go with the ones before them (an id that is taken)."""
        try:
            return RuleSet([pack for _, pack in self._read.values()])
        except RulePackError:
            pass
        fitting: list[Pack] = []
        for name, (_, pack) in self._read.items():
            try:
                RuleSet([*fitting, pack])
            except RulePackError as error:
                self.refused[name] = str(error)
            else:
                fitting.append(pack)
        return RuleSet(fitting)


def _loaded(source: Source) -> Pack:
    return load_pack(source.data, source.name, budget_s=None) if source.timed else load_pack(source.data, source.name)

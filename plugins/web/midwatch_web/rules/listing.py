"""Rules as their page lists them: by pack, those that a search wants."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from midwatch_core import Json, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for: a piece of a rule's id, title or category, one severity, and whether it fired."""

    text: str = ""
    severity: Severity | None = None
    fired: bool = False

    @property
    def narrow(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.text or self.severity or self.fired)

    def fits(self, rule: Mapping[str, Json], count: int) -> bool:
        """Whether a rule is wanted."""
        said = f"{rule['id']} {rule['title']} {rule['category']}".lower()
        return (
            self.text.lower() in said
            and (self.severity is None or rule["severity"] == self.severity.value)
            and (count > 0 or not self.fired)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackView:
    """A pack, its wanted rules (worst first), how many it has in all, and how often any of them fired."""

    id: str
    version: str
    source: str
    rules: Sequence[Mapping[str, Json]]
    of: int
    fired: int


def packs_of(rules: Iterable[Mapping[str, Json]], fired: Mapping[str, int], wanted: Wanted) -> Iterator[PackView]:
    """The packs that have a wanted rule, in their order; each rule with `fired`."""
    packs: dict[str, list[Mapping[str, Json]]] = {}
    for rule in rules:
        packs.setdefault(str(rule["pack"]), []).append({**rule, "fired": fired.get(str(rule["id"]), 0)})
    for source, members in packs.items():
        found = [rule for rule in members if wanted.fits(rule, int(str(rule["fired"])))]
        if found:
            yield PackView(
                id=str(members[0]["pack_id"]),
                version=str(members[0]["pack_version"]),
                source=source,
                rules=sorted(found, key=lambda rule: -Severity(str(rule["severity"])).rank),
                of=len(members),
                fired=sum(int(str(rule["fired"])) for rule in members),
            )

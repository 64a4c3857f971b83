"""The page of all rules that come along, from the packs' own words."""

from collections.abc import Iterator
from itertools import groupby

from generate_commands import APART

from midwatch.rule_rows import rule_row
from midwatch_core.contributions import ResourceKind
from midwatch_core.hosting import Plugins
from midwatch_core.model.content import Json
from midwatch_core.rulepack.reading import read_spec


def rules() -> str:
    """Every rule of every pack, by pack."""
    lines = [
        "# Rules",
        "",
        "The packs that come along. [Write a pack](packs.md) says what is in one; `midwatch rules list` shows those of",
        "a home too. Formats of secrets and of personal data are not rules of packs: `midwatch plugins list` has them.",
        "This page is made from the code.",
    ]
    for pack, found in groupby(sorted(_rows(), key=lambda row: str(row["id"])), key=lambda row: str(row["pack_id"])):
        lines += ["", f"## {pack}", "", "| rule | severity | OWASP | what it sees |", "|---|---|---|---|"]
        for row in found:
            name = str(row["id"]).rpartition("/")[2]
            lines.append(f"| `{name}` | {row['severity']} | {_joined(row['owasp'])} | {row['title']} |")
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[dict[str, Json]]:
    plugins = Plugins()
    plugins.discover()
    plugins.activate({name: section() for name, section in plugins.sections().items() if name not in APART})
    for resource in plugins.gather("resources"):
        if resource.kind is ResourceKind.RULES:
            spec = read_spec(resource.path.read_bytes(), resource.name)
            yield from (rule_row(rule, spec.pack, resource.name) for rule in spec.rules)


def _joined(owasp: Json) -> str:
    return ", ".join(str(item).partition(":")[0] for item in owasp) if isinstance(owasp, list) else ""

"""The console's sections: where they are, what they are called, and who sees them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from midwatch_core import Caller, Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A link of the navigation. `whole`: of the installation, so for callers of no one tenant.

    `under` are further paths whose pages belong to it.
    """

    path: str
    title: str
    permission: Permission = Permission.READ
    whole: bool = False
    under: tuple[str, ...] = ()

    def seen_by(self, caller: Caller) -> bool:
        """Whether the caller may open it."""
        return caller.may(self.permission) and not (self.whole and caller.tenant is not None)

    def holds(self, path: str) -> bool:
        """Whether a page at this path is one of the section's."""
        places = (self.path, *self.under)
        return any(path == place or (place != "/" and path.startswith(f"{place}/")) for place in places)


SECTIONS: tuple[tuple[str, tuple[Section, ...]], ...] = (
    (
        "Watch",
        (
            Section(path="/", title="Overview"),
            Section(path="/alerts", title="Alerts"),
            Section(path="/calls", title="Live calls", under=("/exchanges",)),
            Section(path="/conversations", title="Conversations", under=("/traces",)),
            Section(path="/findings", title="Findings"),
            Section(path="/hosts", title="Hosts"),
        ),
    ),
    (
        "Govern",
        (
            Section(path="/costs", title="Costs and budgets"),
            Section(path="/policies", title="Policies", whole=True),
            Section(path="/rules", title="Rules and plugins", whole=True, under=("/plugins",)),
        ),
    ),
    (
        "Account for",
        (
            Section(path="/reports", title="Reports"),
            Section(path="/audit", title="Audit log"),
        ),
    ),
    (
        "Run",
        (
            Section(path="/access", title="Tenants and keys", permission=Permission.ADMINISTER),
            Section(path="/models", title="Models", whole=True),
            Section(path="/system", title="System", whole=True),
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A section as the page shows it; `here` where the page is one of it, `waiting` how much waits for somebody there.

    Without a number there, `waiting` is None.
    """

    section: Section
    here: bool
    waiting: int | None = None


def navigation(caller: Caller, path: str, waiting: Mapping[str, int]) -> Iterator[tuple[str, list[Link]]]:
    """The groups with the sections that a caller sees, for a page at this path; `waiting` by the sections' paths."""
    for title, sections in SECTIONS:
        links = [
            Link(section=item, here=item.holds(path), waiting=waiting.get(item.path))
            for item in sections
            if item.seen_by(caller)
        ]
        if links:
            yield title, links

"""The list page's view: what goes on, the gravest first, and below it what is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midwatch_core import (
    AlertDesk,
    Caller,
    Host,
    Incident,
    IncidentPage,
    IncidentState,
    Role,
    StorageUnavailableError,
)
from midwatch_web.alerts.asked import AlertsAsked
from midwatch_web.serving.openalerts import current_alerts

ROWS_A_PAGE = 50
# What goes on is shown at once, up to this many.
MOST_CURRENT = 200
_NOTHING = IncidentPage(incidents=(), cursor=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The whole page. `more` tells of further ones that go on; `blind`: the store is away, and so is what is over."""

    asked: AlertsAsked
    current: Sequence[Incident]
    over: Sequence[Incident]
    cursor: str | None
    more: bool = False
    blind: bool = False
    on_first_page: bool = True

    @property
    def older(self) -> str | None:
        """The next page's query string."""
        return self.asked.query(cursor=self.cursor) if self.cursor else None


async def read_listing(
    desk: AlertDesk, host: Host, caller: Caller, asked: AlertsAsked, cursor: str | None = None
) -> Listing:
    """Ask the desk for all that the page shows.

    What this process knows is newer than the store, and there without one; a face alone knows what the store had a
    moment ago. Raises StorageError.
    """
    try:
        stored = _NOTHING if cursor else await _page(desk, caller, asked, asked.going_on, MOST_CURRENT)
        over = await _page(desk, caller, asked, asked.over, ROWS_A_PAGE, cursor)
        blind = False
    except StorageUnavailableError:
        stored, over, blind = _NOTHING, _NOTHING, True
    known = () if cursor or (host.role is Role.FACE and not blind) else current_alerts(host, caller)
    current = gravest_first(_newest(asked, stored.incidents, known))
    return Listing(
        asked=asked,
        current=current[:MOST_CURRENT],
        over=over.incidents,
        cursor=over.cursor,
        more=stored.cursor is not None or len(current) > MOST_CURRENT,
        blind=blind,
        on_first_page=cursor is None,
    )


async def _page(
    desk: AlertDesk,
    caller: Caller,
    asked: AlertsAsked,
    states: frozenset[IncidentState],
    limit: int,
    cursor: str | None = None,
) -> IncidentPage:
    if not states:
        return _NOTHING
    return await desk.incidents(caller.scope, asked.wanted(states), limit=limit, cursor=cursor)


def _newest(asked: AlertsAsked, stored: Iterable[Incident], known: Iterable[Incident]) -> list[Incident]:
    """Each once, as it is known here where it is: other nodes' are in the store alone."""
    rows = {one.id: one for one in (*stored, *known)}
    return [one for one in rows.values() if asked.takes(one)]


def gravest_first(incidents: Iterable[Incident]) -> list[Incident]:
    """Those that nobody has taken on, then the others; of each the gravest, then what came last."""
    return sorted(incidents, key=lambda one: (one.state is not IncidentState.OPEN, -one.severity.rank, -_last(one)))


def _last(incident: Incident) -> float:
    return incident.last_at.timestamp()

"""How calls ended, as a filter that a store does not know: rows are looked through, so many at a time."""

from enum import StrEnum

from midwatch_core import ExchangeFilter, ExchangeRow, Page, Queries, encode_cursor

# Pages of a store that are looked through for one of ours, and the rows of each.
_LOOKS, _A_LOOK = 5, 200
_OURS = ("cut", "block")


class Outcome(StrEnum):
    """What became of a call, as `ActivityRow` counts it; or the class of its status."""

    ERRORS = "errors"
    CLIENT_ERRORS = "4xx"
    SERVER_ERRORS = "5xx"
    REFUSED = "refused"
    FINDINGS = "findings"

    @property
    def words(self) -> str:
        """The choice in words."""
        return _WORDS[self]

    def takes(self, row: ExchangeRow) -> bool:
        """Whether a call ended so."""
        status = row.status or 0
        match self:
            case Outcome.ERRORS:
                broke = row.error is not None or row.status is None or status >= 400
                return broke and row.action not in _OURS
            case Outcome.CLIENT_ERRORS:
                return 400 <= status < 500
            case Outcome.SERVER_ERRORS:
                return status >= 500
            case Outcome.REFUSED:
                return row.action in _OURS
            case Outcome.FINDINGS:
                return bool(row.findings)


_WORDS = {
    Outcome.ERRORS: "Errors",
    Outcome.CLIENT_ERRORS: "Status 4xx",
    Outcome.SERVER_ERRORS: "Status 5xx",
    Outcome.REFUSED: "Refused by policy",
    Outcome.FINDINGS: "With findings",
}


async def read_rows(
    queries: Queries, wanted: ExchangeFilter, outcome: Outcome | None, *, limit: int, cursor: str | None = None
) -> Page:
    """A page of rows, newest first. With an `outcome` it may end early, even empty: its cursor goes on."""
    if outcome is None:
        return await queries.exchanges(wanted, limit=limit, cursor=cursor)
    found: list[ExchangeRow] = []
    for _ in range(_LOOKS):
        page = await queries.exchanges(wanted, limit=max(limit, _A_LOOK), cursor=cursor)
        found += [row for row in page.rows if outcome.takes(row)]
        cursor = page.cursor
        if len(found) > limit:
            last = found[limit - 1]
            return Page(rows=tuple(found[:limit]), cursor=encode_cursor(last.started_at, last.id))
        if cursor is None or len(found) == limit:
            break
    return Page(rows=tuple(found), cursor=cursor)

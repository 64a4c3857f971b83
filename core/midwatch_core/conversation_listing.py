"""Conversations as lines of a listing: a trace and the sums over its exchanges."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from midwatch_core.model.content import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """One trace, with all its exchanges in scope. `last_at` is when its newest one began.

    `models` are those asked for, by name. `tenant`, `app`, `agent`, `user` and `session` are its newest exchange's.
    Tokens and `cost_usd` sum what is known; `unpriced` counts the calls whose cost is unknown. `errors` and `flagged`
    are counted as in `ActivityRow`.
    """

    trace_id: str
    tenant: str
    started_at: datetime
    last_at: datetime
    calls: int
    models: tuple[str, ...]
    app: str | None
    agent: str | None
    user: str | None
    session: str | None
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int
    errors: int
    flagged: int

    def as_json(self) -> Mapping[str, Json]:
        """The row as JSON values: moments in RFC 3339, the cost a number."""
        return {
            **asdict(self),
            "started_at": self.started_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "models": list(self.models),
            "cost_usd": float(self.cost_usd),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPage:
    """Rows, and the cursor of the next page; None on the last.

    A trace stands where its newest exchange that the filter wants stands among all, newest first, and comes once.
    """

    rows: tuple[ConversationRow, ...]
    cursor: str | None

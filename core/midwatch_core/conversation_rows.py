"""A trace's exchanges as one line of a listing: for repositories that have them at hand."""

from collections.abc import Sequence

from midwatch_core.activity import activity_of
from midwatch_core.conversation_listing import ConversationRow
from midwatch_core.cost_rows import CostSum
from midwatch_core.listing import row_of
from midwatch_core.model.exchange import Exchange


def conversation_of(exchanges: Sequence[Exchange]) -> ConversationRow:
    """The row of a trace, from all its exchanges; at least one."""
    rows = sorted(map(row_of, exchanges), key=lambda row: (row.started_at, row.id))
    activities = [activity_of(exchange) for exchange in exchanges]
    costs, newest = CostSum(), rows[-1]
    for row in rows:
        costs.add_call(row.input_tokens, row.output_tokens, row.cost_usd)
    return ConversationRow(
        trace_id=newest.trace_id,
        tenant=newest.tenant,
        started_at=rows[0].started_at,
        last_at=newest.started_at,
        calls=len(rows),
        models=tuple(sorted({row.model for row in rows if row.model is not None})),
        app=newest.app,
        agent=newest.agent,
        user=newest.user,
        session=newest.session,
        input_tokens=costs.input_tokens,
        output_tokens=costs.output_tokens,
        cost_usd=costs.cost_usd,
        unpriced=costs.unpriced,
        errors=sum(one.errors for one in activities),
        flagged=sum(one.flagged for one in activities),
    )

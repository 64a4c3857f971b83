"""One exchange as one line of a listing: the stable keys that scripts lean on (add, never rename)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from midwatch_core.model.content import Json, Operation
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.thread import ToolSpan
from midwatch_core.model.usage import Usage
from midwatch_core.tool_spans import span_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """What `traces --json` prints, what repositories list, what the live tail sends. Without texts.

    `model` is the one asked for, `response_model` the one that answered. `findings` are the rules that fired. `turn`,
    `linked_by` and `parent_id` are the exchange's place in its trace (see `Thread`), `cost_basis` what its cost means.
    `tool_spans` are the tools whose results it brought.
    """

    id: str
    trace_id: str
    started_at: datetime
    tenant: str
    agent: str | None
    app: str | None
    client: str | None
    provider: str
    dialect: str
    transport: str
    host: str
    model: str | None
    operation: str
    status: int | None
    streamed: bool
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: Decimal | None
    cost_reason: str | None
    ttft_ms: float | None
    duration_ms: float | None
    finish_reason: str | None
    tools_called: tuple[str, ...]
    findings: tuple[str, ...]
    action: str
    decode_error: str | None
    response_model: str | None = None
    error: str | None = None
    key_id: str | None = None
    user: str | None = None
    cost_basis: str | None = None
    session: str | None = None
    turn: str | None = None
    linked_by: str | None = None
    parent_id: str | None = None
    tool_spans: tuple[ToolSpan, ...] = ()

    def as_json(self) -> Mapping[str, Json]:
        """The row as JSON values: the moment in RFC 3339, the cost a number."""
        values: dict[str, Json] = {name: getattr(self, name) for name in _FIELDS}  # `asdict` takes twenty times as long
        values["started_at"] = self.started_at.isoformat()
        values["cost_usd"] = None if self.cost_usd is None else float(self.cost_usd)
        values["tool_spans"] = [span_json(span) for span in self.tool_spans]
        return values


_FIELDS = tuple(field.name for field in fields(ExchangeRow))


def row_of(exchange: Exchange) -> ExchangeRow:
    """The row of an exchange."""
    response, cost = exchange.response, exchange.cost
    usage = (response.usage if response else None) or Usage()
    provider_error = response.error if response else None
    return ExchangeRow(
        id=exchange.id,
        trace_id=exchange.trace_id,
        started_at=exchange.started_at,
        tenant=exchange.identity.tenant,
        agent=exchange.identity.agent,
        app=exchange.identity.app,
        client=exchange.identity.client,
        provider=exchange.endpoint.provider,
        dialect=exchange.endpoint.dialect,
        transport=exchange.transport.value,
        host=exchange.endpoint.host,
        model=exchange.model,
        operation=exchange.request.operation.value,
        status=exchange.status,
        streamed=exchange.streamed,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_usd=cost.amount if cost else None,
        cost_reason=cost.reason if cost else "not priced yet",
        ttft_ms=exchange.timing.ttft_ms,
        duration_ms=exchange.timing.duration_ms,
        finish_reason=response.finish_reason.value if response and response.finish_reason else None,
        tools_called=_tools_called(exchange),
        findings=tuple(finding.rule for finding in exchange.findings),
        action=exchange.action.name.lower(),
        decode_error=exchange.decode_error,
        response_model=response.model if response else None,
        error=exchange.error or (provider_error.message or provider_error.type if provider_error else None),
        key_id=exchange.identity.key_id,
        user=exchange.identity.user,
        cost_basis=_basis_of(cost),
        session=exchange.session,
        turn=exchange.thread.turn.value if exchange.thread else None,
        linked_by=exchange.thread.linked_by.value if exchange.thread else None,
        parent_id=exchange.thread.parent_id if exchange.thread else None,
        tool_spans=exchange.tool_spans,
    )


def _tools_called(exchange: Exchange) -> tuple[str, ...]:
    """The tools that the model called; of a call to a tool's server, the tool itself."""
    if exchange.request.operation is Operation.EXECUTE_TOOL:
        return exchange.request.tools
    return tuple(call.name for call in exchange.response.tool_calls) if exchange.response else ()


def _basis_of(cost: Cost | None) -> str | None:
    """What an amount means; that a subscription paid is known without one."""
    if cost is None or (cost.amount is None and cost.basis is CostBasis.METERED):
        return None
    return cost.basis.value

"""A call told without its wire bodies becomes an exchange: its texts at their places in bodies made for them."""

from collections.abc import Sequence
from dataclasses import replace

from midwatch_core.access.identifying import label
from midwatch_core.call import trace_id
from midwatch_core.intake import IntakeError, PlainCall, PlainText
from midwatch_core.model.content import FinishReason, Json, ProviderError, Request, Response
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Endpoint, Exchange
from midwatch_core.model.thread import ToolSpan
from midwatch_core.sealing import Sealer
from midwatch_core.telling.checks import rounded
from midwatch_core.telling.plain_body import request_body, response_body
from midwatch_core.telling.stamp import Stamp
from midwatch_core.telling.trail import traceparent_of
from midwatch_core.wire.decoding import DecodedRequest, DecodedResponse
from midwatch_core.wire.dialects.parameters import parameters
from midwatch_core.wire.node import Node, Trouble
from midwatch_core.wire.session import session_name

DIALECT = "plain"
"""What `Endpoint.dialect` says of a plain call: its bodies never were on a wire."""

# A conversation of more texts, or a model offered more tools, is not believed.
MAX_TEXTS = 20_000
MAX_TOOLS = 2_000
_MAX_ERROR = 500
# What bodies have of their own, so that no setting may stand there.
_TAKEN = frozenset({"documents", "input", "messages", "model", "stream", "tools"})


def plain_exchange(call: PlainCall, stamp: Stamp) -> Exchange:
    """The exchange, sealed. Raises IntakeError for what has no name or is too much."""
    endpoint = _endpoint(call)
    asked, answer = _named(call.asked), None if call.answer is None else _named(call.answer)
    traceparent = traceparent_of(call.whose.traceparent)
    failed = call.status is not None and call.status >= 400
    return Exchange(
        id=stamp.id,
        trace_id=trace_id(traceparent) or stamp.id,
        started_at=stamp.at,
        identity=stamp.identity,
        endpoint=endpoint,
        request=_request(call, asked, stamp.sealer),
        response=None if answer is None and not failed else _response(call, answer or (), stamp.sealer, failed=failed),
        transport=call.transport,
        streamed=call.streamed,
        status=call.status if answer is not None or failed else None,
        error=None if failed else _error(call),
        timing=call.timing,
        cost=None if call.cost_usd is None else Cost(amount=rounded(call.cost_usd), source="told by its sender"),
        traceparent=traceparent,
        session=session_name(call.whose.session),
        tool_spans=tuple(map(_shown, call.tool_spans)),
    )


def _endpoint(call: PlainCall) -> Endpoint:
    provider, host = label(call.provider), label(call.host)
    if provider is None:
        raise IntakeError("provider: a name is needed")
    return Endpoint(provider=provider, dialect=DIALECT, host=(host or "").lower(), port=443, path="/")


def _named(texts: Sequence[PlainText]) -> tuple[PlainText, ...]:
    """The texts, with names that can be shown."""
    if len(texts) > MAX_TEXTS:
        raise IntakeError(f"texts: more than {MAX_TEXTS:,}")
    return tuple(item if item.name is None and item.call_id is None else _short(item) for item in texts)


def _short(item: PlainText) -> PlainText:
    return replace(item, name=label(item.name), call_id=label(item.call_id))


def _shown(span: ToolSpan) -> ToolSpan:
    return replace(span, name=label(span.name) or "tool", call_id=label(span.call_id))


def _request(call: PlainCall, asked: tuple[PlainText, ...], sealer: Sealer) -> Request:
    if max(len(call.tools), len(call.tool_spans)) > MAX_TOOLS:
        raise IntakeError(f"tools: more than {MAX_TOOLS:,}")
    tools = tuple(name for name in map(label, call.tools) if name)
    settings: dict[str, Json] = {key: value for key, value in call.parameters.items() if key not in _TAKEN}
    model = label(call.model)
    top: dict[str, Json] = {} if model is None else {"model": model}
    body = request_body(asked, top | settings, tools)
    request = Request(
        operation=call.operation,
        model=model,
        stream=call.streamed,
        segments=tuple(body.segments),
        tools=tools,
        parameters=parameters(Node(settings, Trouble(None)), beside=frozenset()),
        tool_results=tuple(body.tool_results),
    )
    return sealer.request(DecodedRequest(request=request, document=body.document))


def _response(call: PlainCall, answer: tuple[PlainText, ...], sealer: Sealer, *, failed: bool) -> Response:
    finish = FinishReason.ERROR if failed else call.finish_reason
    model = label(call.response_model)
    body = response_body(answer, {} if model is None else {"model": model}, finish and finish.value)
    response = Response(
        model=model,
        segments=tuple(body.segments),
        tool_calls=tuple(body.tool_calls),
        finish_reason=finish,
        usage=call.usage,
        error=ProviderError(type=None, message=_error(call)) if failed else None,
        complete=failed or call.error is None,
    )
    return sealer.response(DecodedResponse(response=response, document=body.document))


def _error(call: PlainCall) -> str | None:
    return call.error[:_MAX_ERROR] if call.error else None

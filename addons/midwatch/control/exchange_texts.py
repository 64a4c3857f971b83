"""All places of an exchange where something said may stand, and the exchange with each of them changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from midwatch_core.model.changing import changed
from midwatch_core.model.content import Json, Request, Response
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.model.segment import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChange:
    """What becomes of a text, of a skeleton, of a request's parameters. Empty ones and None are not asked about."""

    text: Callable[[str], str]
    body: Callable[[Json], Json]
    parameters: Callable[[Mapping[str, Json]], Mapping[str, Json]]

    def some(self, text: str | None) -> str | None:
        """A text that may be missing."""
        return self.text(text) if text else text


def with_texts(exchange: Exchange, change: TextChange) -> Exchange:
    """The exchange with its texts changed: segments, skeletons, parameters, findings, verdicts' reasons, errors."""
    response = exchange.response
    return changed(
        exchange,
        request=_request(exchange.request, change),
        response=None if response is None else _response(response, change),
        error=change.some(exchange.error),
        findings=tuple(_finding(finding, change) for finding in exchange.findings),
        verdicts=tuple(changed(item, reason=change.some(item.reason)) for item in exchange.verdicts),
    )


def _request(request: Request, change: TextChange) -> Request:
    return changed(
        request,
        segments=_segments(request.segments, change),
        parameters=change.parameters(request.parameters) if request.parameters else request.parameters,
        body=None if request.body is None else change.body(request.body),
        decode_error=change.some(request.decode_error),
    )


def _response(response: Response, change: TextChange) -> Response:
    error = response.error
    return changed(
        response,
        segments=_segments(response.segments, change),
        body=None if response.body is None else change.body(response.body),
        error=None if error is None else changed(error, message=change.some(error.message)),
        decode_error=change.some(response.decode_error),
    )


def _segments(segments: tuple[Segment, ...], change: TextChange) -> tuple[Segment, ...]:
    return tuple(changed(item, text=change.text(item.text)) if item.text else item for item in segments)


def _finding(finding: Finding, change: TextChange) -> Finding:
    return changed(finding, message=change.some(finding.message), evidence=change.some(finding.evidence))

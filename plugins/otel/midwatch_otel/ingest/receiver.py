"""The receiver: a request of spans, from whichever face, told to the intake; the answer says what was refused."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from midwatch_core import MAX_BATCH, Caller, Intake, IntakeError, IntakeFullError, Metrics, PlainCall
from midwatch_otel.ingest.decoding import Encoding, read_message, unpacked
from midwatch_otel.ingest.joining import Joined, joined
from midwatch_otel.ingest.numbers import count_spans
from midwatch_otel.ingest.reading import Read, read_request

SOURCE = "otlp"
"""What stands in `Identity.learned_from` of a call that came as a span."""

# One call at fault costs the others nothing; a batch where so many are at fault is refused from there on.
_MOST_FAULTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Takes spans for all faces. `own_instance` is our own exporter's `service.instance.id`."""

    intake: Intake
    metrics: Metrics
    own_instance: str = ""

    async def receive(
        self, caller: Caller, body: bytes, *, encoding: Encoding, content_encoding: str = "", face: str
    ) -> ExportTraceServiceResponse:
        """Take a request's body. What is no call is accepted, counted and forgotten.

        Raises BadBodyError, TooLargeError, AccessDeniedError, and IntakeFullError: the same can be sent again later.
        """
        # Off the loop: a body of the largest size holds some ten thousand spans.
        read, found = await asyncio.to_thread(_understood, body, encoding, content_encoding, self.own_instance)
        refused, why = await self._take(caller, found.calls)
        if read.refused:
            why = why or "a span has no valid trace_id and span_id"
        count_spans(
            self.metrics,
            face,
            call=len(found.calls) - refused,
            tool=found.tools,
            lonely_tool=found.lonely_tools,
            passed_over=read.passed_over + found.passed_over,
            refused=read.refused + refused,
        )
        return _answer(read.refused + refused, why)

    async def _take(self, caller: Caller, calls: Sequence[PlainCall]) -> tuple[int, str]:
        """Tell the intake; how many it refused, and why the first."""
        refused, why = 0, ""
        for start in range(0, len(calls), MAX_BATCH):
            some, faults = list(calls[start : start + MAX_BATCH]), 0
            while some:
                try:
                    await self.intake.take(caller, some, source=SOURCE)
                    break
                except IntakeFullError:
                    raise
                except IntakeError as error:
                    why, faults = why or str(error), faults + 1
                    if error.index is None or not 0 <= error.index < len(some) or faults > _MOST_FAULTS:
                        refused += len(some)
                        break
                    del some[error.index]
                    refused += 1
        return refused, why


def _understood(body: bytes, encoding: Encoding, content_encoding: str, own_instance: str) -> tuple[Read, Joined]:
    message: Any = read_message(unpacked(body, content_encoding), encoding, ExportTraceServiceRequest())
    read = read_request(message, own_instance=own_instance)
    return read, joined(read.spans)


def _answer(refused: int, why: str) -> ExportTraceServiceResponse:
    """`partial_success` is left unset where all went well: https://opentelemetry.io/docs/specs/otlp/#full-success"""
    answer = ExportTraceServiceResponse()
    if refused:
        answer.partial_success.rejected_spans = refused
        answer.partial_success.error_message = why[:500]
    return answer

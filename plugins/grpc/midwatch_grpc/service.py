"""The service `midwatch.v1.Midwatch`: messages in, calls to intake and texts to the engine. The counterparts are
`Host.intake` and `Host.scanner`.

Messages are parsed here and not by gRPC, which would tell a client of Python's error where one can't be read.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from midwatch_core import Caller, Intake, IntakeError, Scanner, ToldCall
from midwatch_grpc.calls import calls_of, parsed
from midwatch_grpc.errors import AbsentServiceError, UnreadableError
from midwatch_grpc.gathering import Gathering
from midwatch_grpc.proto.midwatch.v1 import service_pb2 as messages
from midwatch_grpc.reception import Progress, Reception
from midwatch_grpc.scans import scanned_message, texts_of

NAME = messages.DESCRIPTOR.services_by_name["Midwatch"].full_name

# How calls come in, as it stands in `Identity.learned_from`.
_SOURCE = "grpc"
# A stream's calls are taken at the latest when so many are there, and so long after the first of them came.
_BATCH_CALLS = 200
_LINGER_S = 0.05
# A stream may be endless; so many ids are told at its end.
_MAX_IDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The methods. `intake` and `scanner` may be absent: then their methods are not implemented."""

    reception: Reception
    intake: Intake | None
    scanner: Scanner | None
    max_message_bytes: int

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods for a server."""
        ingest, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_unary_rpc_method_handler
        return grpc.method_handlers_generic_handler(
            NAME,
            {
                "IngestTraces": ingest(self._ingest, None, messages.IngestTracesResponse.SerializeToString),
                "StreamTraces": stream(self._stream, None, messages.StreamTracesResponse.SerializeToString),
                "Scan": ingest(self._scan, None, messages.ScanResponse.SerializeToString),
            },
        )

    async def _ingest(self, raw: bytes, context: Any) -> messages.IngestTracesResponse:
        async def work(caller: Caller) -> messages.IngestTracesResponse:
            calls = calls_of(parsed(messages.IngestTracesRequest, raw).calls)
            return messages.IngestTracesResponse(ids=await self._intake().take(caller, calls, source=_SOURCE))

        return await self.reception.answer("IngestTraces", context, work)

    async def _stream(self, stream: AsyncIterator[bytes], context: Any) -> messages.StreamTracesResponse:
        progress = Progress()

        async def work(caller: Caller) -> messages.StreamTracesResponse:
            return await self._take_all(caller, stream, progress)

        return await self.reception.answer("StreamTraces", context, work, progress)

    async def _take_all(
        self, caller: Caller, stream: AsyncIterator[bytes], progress: Progress
    ) -> messages.StreamTracesResponse:
        """Read and take at once: the next batch gathers while one is on its way to the journal."""
        gathering = Gathering(most_calls=_BATCH_CALLS, most_bytes=self.max_message_bytes, linger_s=_LINGER_S)
        ids: list[str] = []
        reading = asyncio.create_task(_read(stream, gathering))
        try:
            while batch := await gathering.batch():
                self.reception.check_still(caller)
                taken = await _taken(self._intake(), caller, batch, progress.taken)
                progress.taken += len(batch)
                ids += taken[: _MAX_IDS - len(ids)]
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return messages.StreamTracesResponse(taken=progress.taken, ids=ids)

    async def _scan(self, raw: bytes, context: Any) -> messages.ScanResponse:
        async def work(caller: Caller) -> messages.ScanResponse:
            texts = texts_of(parsed(messages.ScanRequest, raw).texts)
            if self.scanner is None:
                raise AbsentServiceError("this process scans nothing")
            try:
                results = await self.scanner.scan(caller, texts)
            except ValueError as error:  # so it says that there is too much
                raise UnreadableError(str(error)) from error
            return messages.ScanResponse(results=map(scanned_message, results))

        return await self.reception.answer("Scan", context, work)

    def _intake(self) -> Intake:
        if self.intake is None:
            raise AbsentServiceError("this process takes no calls")
        return self.intake


async def _read(stream: AsyncIterator[bytes], gathering: Gathering) -> None:
    """Put a stream's calls where batches are made of them. Raises UnreadableError, with its index in the stream."""
    count = 0
    try:
        async for raw in stream:
            calls = calls_of(parsed(messages.StreamTracesRequest, raw).calls, begin=count)
            count += len(calls)
            await gathering.put(calls, len(raw))
    finally:
        gathering.close()


async def _taken(intake: Intake, caller: Caller, batch: Sequence[ToldCall], before: int) -> Sequence[str]:
    """The ids of a batch; the index in an IntakeError is that in the stream."""
    try:
        return await intake.take(caller, batch, source=_SOURCE)
    except IntakeError as error:
        if error.index is not None:
            error.index += before
        raise

"""The health service of gRPC, which follows the installation's own: https://grpc.io/docs/guides/health-checking/

It asks for no key: whoever looks after the process has none, and learns nothing of any call.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from midwatch_core import Health
from midwatch_grpc.calls import parsed
from midwatch_grpc.errors import UnreadableError
from midwatch_grpc.refusal import Refusal, refuse

NAME: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

# How often a watcher's answer is looked at.
_LOOK_S = 1.0
_NO_SERVICE = Refusal(code=grpc.StatusCode.NOT_FOUND, message="no such service")

Status = health_pb2.HealthCheckResponse


class HealthService:
    """Answers for the server as a whole (the empty name) and for each service of `services`."""

    def __init__(self, health: Callable[[], Health] | None, services: tuple[str, ...]) -> None:
        self._health = health
        self._services = frozenset({"", *services})
        self._closed = asyncio.Event()

    def handlers(self) -> grpc.GenericRpcHandler:
        """The methods for a server."""
        check, watch = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        methods = {
            "Check": check(self._check, None, Status.SerializeToString),
            "Watch": watch(self._watch, None, Status.SerializeToString),
        }
        return grpc.method_handlers_generic_handler(NAME, methods)

    def close(self) -> None:
        """From now on nothing is served; who watches is told so."""
        self._closed.set()

    async def _check(self, raw: bytes, context: Any) -> Any:
        service = await _service(raw, context)
        if service not in self._services:
            await refuse(context, _NO_SERVICE)
        return Status(status=self._status(service))

    async def _watch(self, raw: bytes, context: Any) -> AsyncIterator[Any]:
        """The status now, and again whenever it is another."""
        service = await _service(raw, context)
        said = None
        while not self._closed.is_set():
            status = self._status(service)
            if status != said:
                said = status
                yield Status(status=status)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._closed.wait()
        yield Status(status=Status.NOT_SERVING)

    def _status(self, service: str) -> int:
        if service not in self._services:
            return int(Status.SERVICE_UNKNOWN)
        ready = not self._closed.is_set() and (self._health is None or self._health().ready)
        return int(Status.SERVING if ready else Status.NOT_SERVING)


async def _service(raw: bytes, context: Any) -> str:
    """The service that is asked about; a request that can't be read is refused."""
    try:
        return str(parsed(health_pb2.HealthCheckRequest, raw).service)
    except UnreadableError as error:
        return await refuse(context, Refusal.of(error))

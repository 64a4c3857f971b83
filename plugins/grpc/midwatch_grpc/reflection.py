"""Server reflection, so that a client such as grpcurl needs no .proto file: https://grpc.io/docs/guides/reflection/"""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from midwatch_grpc.calls import parsed
from midwatch_grpc.errors import UnknownCallerError, UnreadableError
from midwatch_grpc.reception import Reception
from midwatch_grpc.refusal import Refusal, refuse

# grpcio-reflection has the older name alone; version 1 is the same messages under another.
NAMES = ("grpc.reflection.v1.ServerReflection", reflection.SERVICE_NAME)


class ReflectionService:
    """Tells who may come what the services are."""

    def __init__(self, reception: Reception, services: tuple[str, ...]) -> None:
        self._reception = reception
        self._known = reflection.aio.ReflectionServicer((*services, *NAMES))

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """The method under both names, for a server."""
        answer = reflection_pb2.ServerReflectionResponse.SerializeToString
        method = grpc.stream_stream_rpc_method_handler(self._info, None, answer)
        return [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method}) for name in NAMES]

    async def _info(self, stream: AsyncIterator[bytes], context: Any) -> AsyncIterator[Any]:
        try:
            self._reception.caller(context)
            async for answer in self._known.ServerReflectionInfo(_requests(stream), context):
                yield answer
        except (UnknownCallerError, UnreadableError) as error:
            await refuse(context, Refusal.of(error))


async def _requests(stream: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for raw in stream:
        yield parsed(reflection_pb2.ServerReflectionRequest, raw)

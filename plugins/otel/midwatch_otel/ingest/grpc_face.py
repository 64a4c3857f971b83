"""OTLP over gRPC: `TraceService/Export` on a listener of its own; needs the extra `midwatch-otel[grpc]`.

https://opentelemetry.io/docs/specs/otlp/#otlpgrpc
"""

from dataclasses import dataclass
from typing import Any

import grpc

from midwatch_core import (
    Access,
    AccessDeniedError,
    Caller,
    ConfigError,
    IntakeFullError,
    Permission,
    caller_showing,
)
from midwatch_otel.ingest.decoding import MAX_BODY_BYTES, BadBodyError, Encoding, TooLargeError
from midwatch_otel.ingest.receiver import Receiver

_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
_AT_ONCE = 32
_GRACE_S = 2.0


@dataclass(slots=True)
class GrpcFace:
    """The listener, from `start` to `close`. `port` is the one it got, where 0 was asked for."""

    receiver: Receiver
    access: Access | None
    port: int = 0
    _server: Any = None

    async def start(self, address: str) -> None:
        """Listen on `address` (HOST:PORT). Raises ConfigError where that can't be had."""
        options = [
            ("grpc.max_receive_message_length", MAX_BODY_BYTES),
            ("grpc.so_reuseport", 0),  # else a second one would take half of our callers, silently
        ]
        self._server = grpc.aio.server(options=options, maximum_concurrent_rpcs=_AT_ONCE)
        # Bytes in, bytes out: what can't be read gets our own answer, and is read off the loop.
        export = grpc.unary_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"Export": export}),))
        try:
            self.port = self._server.add_insecure_port(address)
            await self._server.start()
        except RuntimeError as error:
            raise ConfigError(f"otel.grpc_listen: can't listen on {address}: {error}") from error

    async def close(self) -> None:
        """Stop; calls under way are given a moment."""
        if self._server is not None:
            await self._server.stop(_GRACE_S)

    async def _export(self, body: bytes, context: Any) -> bytes:
        caller = await self._caller(context)
        try:
            answer = await self.receiver.receive(caller, body, encoding=Encoding.PROTOBUF, face="grpc")
        except BadBodyError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except TooLargeError as error:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        except AccessDeniedError as error:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        except IntakeFullError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return bytes(answer.SerializeToString())

    async def _caller(self, context: Any) -> Caller:
        """Who shows a key in the metadata, as in HTTP's headers. Aborts the call where nobody does who may call."""
        shown = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
        caller = caller_showing(self.access, shown.get("authorization"), shown.get("x-midwatch-key"))
        if caller is None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "A key is needed: authorization: Bearer mw_…")
        elif not caller.may(Permission.CALL):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"A key of the role {caller.role} sends no calls.")
        else:
            return caller
        raise AssertionError("abort raises")

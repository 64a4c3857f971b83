"""gRPC for Midwatch: calls come in and texts are scanned, on a listener of its own, with health and reflection."""

from midwatch_grpc.plugin import Grpc

__all__ = ["Grpc"]

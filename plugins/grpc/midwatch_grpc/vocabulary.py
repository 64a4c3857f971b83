"""Words of the model and their numbers in protocol buffers, both ways."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from midwatch_core import Action, FinishReason, Operation, Part, Severity, Transport
from midwatch_grpc.proto.midwatch.v1 import calls_pb2, scan_pb2


def _numbers[Word: Enum](words: type[Word], numbers: Any, prefix: str) -> Mapping[Word, int]:
    return {word: numbers.Value(f"{prefix}_{word.name}") for word in words}


def _words[Word: Enum](numbers: Mapping[Word, int]) -> Mapping[int, Word]:
    return {number: word for word, number in numbers.items()}


ACTIONS = _numbers(Action, scan_pb2.Action, "ACTION")
SEVERITIES = _numbers(Severity, scan_pb2.Severity, "SEVERITY")
PARTS = _words(_numbers(Part, calls_pb2.Part, "PART"))
OPERATIONS = _words(_numbers(Operation, calls_pb2.Operation, "OPERATION"))
FINISH_REASONS = _words(_numbers(FinishReason, calls_pb2.FinishReason, "FINISH_REASON"))
TRANSPORTS = _words(_numbers(Transport, calls_pb2.Transport, "TRANSPORT"))

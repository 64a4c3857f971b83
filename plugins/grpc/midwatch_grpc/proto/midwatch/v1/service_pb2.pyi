from midwatch_grpc.proto.midwatch.v1 import calls_pb2 as _calls_pb2
from midwatch_grpc.proto.midwatch.v1 import scan_pb2 as _scan_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IngestTracesRequest(_message.Message):
    __slots__ = ("calls",)
    CALLS_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[_calls_pb2.Call]
    def __init__(self, calls: _Optional[_Iterable[_Union[_calls_pb2.Call, _Mapping]]] = ...) -> None: ...

class IngestTracesResponse(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class StreamTracesRequest(_message.Message):
    __slots__ = ("calls",)
    CALLS_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[_calls_pb2.Call]
    def __init__(self, calls: _Optional[_Iterable[_Union[_calls_pb2.Call, _Mapping]]] = ...) -> None: ...

class StreamTracesResponse(_message.Message):
    __slots__ = ("taken", "ids")
    TAKEN_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    taken: int
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, taken: _Optional[int] = ..., ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ScanRequest(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedCompositeFieldContainer[_scan_pb2.ScanText]
    def __init__(self, texts: _Optional[_Iterable[_Union[_scan_pb2.ScanText, _Mapping]]] = ...) -> None: ...

class ScanResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_scan_pb2.Scanned]
    def __init__(self, results: _Optional[_Iterable[_Union[_scan_pb2.Scanned, _Mapping]]] = ...) -> None: ...

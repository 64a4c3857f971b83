import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_UNSPECIFIED: _ClassVar[Operation]
    OPERATION_CHAT: _ClassVar[Operation]
    OPERATION_TEXT_COMPLETION: _ClassVar[Operation]
    OPERATION_GENERATE_CONTENT: _ClassVar[Operation]
    OPERATION_EMBEDDINGS: _ClassVar[Operation]
    OPERATION_EXECUTE_TOOL: _ClassVar[Operation]
    OPERATION_LIST_TOOLS: _ClassVar[Operation]
    OPERATION_MCP: _ClassVar[Operation]
    OPERATION_COUNT_TOKENS: _ClassVar[Operation]
    OPERATION_RERANK: _ClassVar[Operation]
    OPERATION_MODERATION: _ClassVar[Operation]
    OPERATION_IMAGE: _ClassVar[Operation]
    OPERATION_SPEECH: _ClassVar[Operation]
    OPERATION_TRANSCRIPTION: _ClassVar[Operation]
    OPERATION_FILES: _ClassVar[Operation]
    OPERATION_BATCH: _ClassVar[Operation]
    OPERATION_COMPACT: _ClassVar[Operation]
    OPERATION_STORED: _ClassVar[Operation]

class FinishReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINISH_REASON_UNSPECIFIED: _ClassVar[FinishReason]
    FINISH_REASON_STOP: _ClassVar[FinishReason]
    FINISH_REASON_LENGTH: _ClassVar[FinishReason]
    FINISH_REASON_TOOL_CALLS: _ClassVar[FinishReason]
    FINISH_REASON_CONTENT_FILTER: _ClassVar[FinishReason]
    FINISH_REASON_REFUSAL: _ClassVar[FinishReason]
    FINISH_REASON_PAUSE: _ClassVar[FinishReason]
    FINISH_REASON_ERROR: _ClassVar[FinishReason]
    FINISH_REASON_CANCELLED: _ClassVar[FinishReason]
    FINISH_REASON_OTHER: _ClassVar[FinishReason]

class Transport(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSPORT_UNSPECIFIED: _ClassVar[Transport]
    TRANSPORT_HTTP: _ClassVar[Transport]
    TRANSPORT_SSE: _ClassVar[Transport]
    TRANSPORT_WEBSOCKET: _ClassVar[Transport]

class Part(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PART_UNSPECIFIED: _ClassVar[Part]
    PART_SYSTEM: _ClassVar[Part]
    PART_USER: _ClassVar[Part]
    PART_ASSISTANT: _ClassVar[Part]
    PART_REASONING: _ClassVar[Part]
    PART_TOOL_DEFINITION: _ClassVar[Part]
    PART_TOOL_CALL: _ClassVar[Part]
    PART_TOOL_RESULT: _ClassVar[Part]
    PART_DOCUMENT: _ClassVar[Part]
    PART_EMBEDDING_INPUT: _ClassVar[Part]
OPERATION_UNSPECIFIED: Operation
OPERATION_CHAT: Operation
OPERATION_TEXT_COMPLETION: Operation
OPERATION_GENERATE_CONTENT: Operation
OPERATION_EMBEDDINGS: Operation
OPERATION_EXECUTE_TOOL: Operation
OPERATION_LIST_TOOLS: Operation
OPERATION_MCP: Operation
OPERATION_COUNT_TOKENS: Operation
OPERATION_RERANK: Operation
OPERATION_MODERATION: Operation
OPERATION_IMAGE: Operation
OPERATION_SPEECH: Operation
OPERATION_TRANSCRIPTION: Operation
OPERATION_FILES: Operation
OPERATION_BATCH: Operation
OPERATION_COMPACT: Operation
OPERATION_STORED: Operation
FINISH_REASON_UNSPECIFIED: FinishReason
FINISH_REASON_STOP: FinishReason
FINISH_REASON_LENGTH: FinishReason
FINISH_REASON_TOOL_CALLS: FinishReason
FINISH_REASON_CONTENT_FILTER: FinishReason
FINISH_REASON_REFUSAL: FinishReason
FINISH_REASON_PAUSE: FinishReason
FINISH_REASON_ERROR: FinishReason
FINISH_REASON_CANCELLED: FinishReason
FINISH_REASON_OTHER: FinishReason
TRANSPORT_UNSPECIFIED: Transport
TRANSPORT_HTTP: Transport
TRANSPORT_SSE: Transport
TRANSPORT_WEBSOCKET: Transport
PART_UNSPECIFIED: Part
PART_SYSTEM: Part
PART_USER: Part
PART_ASSISTANT: Part
PART_REASONING: Part
PART_TOOL_DEFINITION: Part
PART_TOOL_CALL: Part
PART_TOOL_RESULT: Part
PART_DOCUMENT: Part
PART_EMBEDDING_INPUT: Part

class Call(_message.Message):
    __slots__ = ("wire", "plain", "whose", "started_at", "timing", "status", "error")
    WIRE_FIELD_NUMBER: _ClassVar[int]
    PLAIN_FIELD_NUMBER: _ClassVar[int]
    WHOSE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    wire: WireCall
    plain: PlainCall
    whose: Whose
    started_at: _timestamp_pb2.Timestamp
    timing: Timing
    status: int
    error: str
    def __init__(self, wire: _Optional[_Union[WireCall, _Mapping]] = ..., plain: _Optional[_Union[PlainCall, _Mapping]] = ..., whose: _Optional[_Union[Whose, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ..., status: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...

class Whose(_message.Message):
    __slots__ = ("tenant", "app", "agent", "user", "client", "session", "traceparent", "key")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    APP_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    app: str
    agent: str
    user: str
    client: str
    session: str
    traceparent: str
    key: str
    def __init__(self, tenant: _Optional[str] = ..., app: _Optional[str] = ..., agent: _Optional[str] = ..., user: _Optional[str] = ..., client: _Optional[str] = ..., session: _Optional[str] = ..., traceparent: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class WireCall(_message.Message):
    __slots__ = ("url", "method", "request_headers", "request", "response_headers", "response")
    class RequestHeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ResponseHeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    URL_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_HEADERS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_HEADERS_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    url: str
    method: str
    request_headers: _containers.ScalarMap[str, str]
    request: bytes
    response_headers: _containers.ScalarMap[str, str]
    response: bytes
    def __init__(self, url: _Optional[str] = ..., method: _Optional[str] = ..., request_headers: _Optional[_Mapping[str, str]] = ..., request: _Optional[bytes] = ..., response_headers: _Optional[_Mapping[str, str]] = ..., response: _Optional[bytes] = ...) -> None: ...

class PlainCall(_message.Message):
    __slots__ = ("provider", "model", "operation", "host", "asked", "answer", "parameters", "tools", "usage", "cost_usd", "transport", "streamed", "tool_spans")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_FIELD_NUMBER: _ClassVar[int]
    STREAMED_FIELD_NUMBER: _ClassVar[int]
    TOOL_SPANS_FIELD_NUMBER: _ClassVar[int]
    provider: str
    model: str
    operation: Operation
    host: str
    asked: _containers.RepeatedCompositeFieldContainer[PlainText]
    answer: Answer
    parameters: _struct_pb2.Struct
    tools: _containers.RepeatedScalarFieldContainer[str]
    usage: Usage
    cost_usd: str
    transport: Transport
    streamed: bool
    tool_spans: _containers.RepeatedCompositeFieldContainer[ToolSpan]
    def __init__(self, provider: _Optional[str] = ..., model: _Optional[str] = ..., operation: _Optional[_Union[Operation, str]] = ..., host: _Optional[str] = ..., asked: _Optional[_Iterable[_Union[PlainText, _Mapping]]] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., tools: _Optional[_Iterable[str]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_usd: _Optional[str] = ..., transport: _Optional[_Union[Transport, str]] = ..., streamed: bool = ..., tool_spans: _Optional[_Iterable[_Union[ToolSpan, _Mapping]]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("texts", "model", "finish_reason")
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedCompositeFieldContainer[PlainText]
    model: str
    finish_reason: FinishReason
    def __init__(self, texts: _Optional[_Iterable[_Union[PlainText, _Mapping]]] = ..., model: _Optional[str] = ..., finish_reason: _Optional[_Union[FinishReason, str]] = ...) -> None: ...

class PlainText(_message.Message):
    __slots__ = ("part", "text", "name", "call_id")
    PART_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    part: Part
    text: str
    name: str
    call_id: str
    def __init__(self, part: _Optional[_Union[Part, str]] = ..., text: _Optional[str] = ..., name: _Optional[str] = ..., call_id: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "input_audio_tokens", "input_image_tokens", "cache_audio_read_tokens", "reasoning_tokens", "output_audio_tokens", "output_image_tokens", "tool_fees")
    class ToolFeesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_5M_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_1H_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_AUDIO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_IMAGE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_AUDIO_READ_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_AUDIO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_IMAGE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOOL_FEES_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    input_audio_tokens: int
    input_image_tokens: int
    cache_audio_read_tokens: int
    reasoning_tokens: int
    output_audio_tokens: int
    output_image_tokens: int
    tool_fees: _containers.ScalarMap[str, int]
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cache_read_tokens: _Optional[int] = ..., cache_write_5m_tokens: _Optional[int] = ..., cache_write_1h_tokens: _Optional[int] = ..., input_audio_tokens: _Optional[int] = ..., input_image_tokens: _Optional[int] = ..., cache_audio_read_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., output_audio_tokens: _Optional[int] = ..., output_image_tokens: _Optional[int] = ..., tool_fees: _Optional[_Mapping[str, int]] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("ttft_ms", "duration_ms", "gaps")
    TTFT_MS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    ttft_ms: float
    duration_ms: float
    gaps: Gaps
    def __init__(self, ttft_ms: _Optional[float] = ..., duration_ms: _Optional[float] = ..., gaps: _Optional[_Union[Gaps, _Mapping]] = ...) -> None: ...

class Gaps(_message.Message):
    __slots__ = ("count", "mean_ms", "p50_ms", "p95_ms", "max_ms")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    MEAN_MS_FIELD_NUMBER: _ClassVar[int]
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P95_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_MS_FIELD_NUMBER: _ClassVar[int]
    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    max_ms: float
    def __init__(self, count: _Optional[int] = ..., mean_ms: _Optional[float] = ..., p50_ms: _Optional[float] = ..., p95_ms: _Optional[float] = ..., max_ms: _Optional[float] = ...) -> None: ...

class ToolSpan(_message.Message):
    __slots__ = ("call_id", "name", "called_by", "started_at", "ended_at", "path", "failed")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CALLED_BY_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    name: str
    called_by: str
    started_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    path: str
    failed: bool
    def __init__(self, call_id: _Optional[str] = ..., name: _Optional[str] = ..., called_by: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., path: _Optional[str] = ..., failed: bool = ...) -> None: ...

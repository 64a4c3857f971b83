"""What a call says: the request as the client wrote it, the response as the provider answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from midwatch_core.model.segment import Segment
from midwatch_core.model.usage import Usage

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None


class Operation(StrEnum):
    """OpenTelemetry's `gen_ai.operation.name` for what a call asks."""

    CHAT = "chat"
    TEXT_COMPLETION = "text_completion"
    GENERATE_CONTENT = "generate_content"
    EMBEDDINGS = "embeddings"
    EXECUTE_TOOL = "execute_tool"
    # OpenTelemetry has no names for the rest.
    LIST_TOOLS = "list_tools"
    MCP = "mcp"
    COUNT_TOKENS = "count_tokens"
    RERANK = "rerank"
    MODERATION = "moderation"
    IMAGE = "image"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    FILES = "files"
    BATCH = "batch"
    COMPACT = "compact"
    # What a provider keeps is read or added to: a response fetched, a conversation's items. No model answers.
    STORED = "stored"


class FinishReason(StrEnum):
    """Why the model stopped, in one vocabulary for all providers."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    ERROR = "error"
    CANCELLED = "cancelled"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool the model called. Its arguments are the segment at `path` (part `tool_call`)."""

    id: str | None
    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool of the client brought, sent back to the model in a request.

    `call_id` is the id of the call it answers, None where the dialect has none (Gemini, Ollama): then `name` may tell
    the tool. `path` is the JSON Pointer of what the tool brought: its texts, if any, are the segments there and below
    (part `tool_result`). `failed` where the result itself says that the tool failed.
    """

    call_id: str | None
    path: str
    name: str | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderError:
    """The error of a provider's own answer: its type or code, and its message."""

    type: str | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the client asked.

    `parameters` are the settings beside the texts (temperature, max_tokens, reasoning effort, service tier, …) under
    the dialect's own names. `tools` are the names of the tools offered, or of the one that is to be run
    (EXECUTE_TOOL). `tool_results` are all results in the request, those of earlier turns included, in their order.
    `previous_response_id` and `conversation_id` link stateful APIs. `audio_bytes` counts audio, which is not kept.
    `body` is the skeleton, filled by sealing: the JSON with every segment replaced by its hash. `decode_error` names
    where reading stopped; what was read before it is there.
    """

    operation: Operation
    model: str | None = None
    stream: bool = False
    segments: tuple[Segment, ...] = ()
    tools: tuple[str, ...] = ()
    parameters: Mapping[str, Json] = field(default_factory=dict)
    previous_response_id: str | None = None
    conversation_id: str | None = None
    body_bytes: int = 0
    audio_bytes: int = 0
    body: Json = None
    decode_error: str | None = None
    tool_results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the provider answered, in full or as far as it came.

    `finish_reason` is normalised, `raw_finish_reason` the provider's own word. `complete` is false when the stream
    ended before its terminal event. `audio_bytes` counts audio, which is not kept. `body` is the skeleton of an
    unstreamed answer, filled by sealing.
    """

    model: str | None = None
    id: str | None = None
    segments: tuple[Segment, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    error: ProviderError | None = None
    complete: bool = True
    body_bytes: int = 0
    audio_bytes: int = 0
    body: Json = None
    decode_error: str | None = None

"""The table of aliases: what a span's attributes mean, in every released and current convention's words.

First comes what is current, then what it was called before; the first that is there counts.

- OpenTelemetry GenAI, current: https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai
- OpenTelemetry GenAI, 1.26 to 1.41, and what was deprecated on the way:
  https://github.com/open-telemetry/semantic-conventions/blob/v1.44.0/docs/registry/attributes/gen-ai.md
- OpenInference: https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
- OpenLLMetry (traceloop):
  https://github.com/traceloop/openllmetry/blob/main/packages/opentelemetry-semantic-conventions-ai/opentelemetry/semconv_ai/__init__.py
"""

import math
from collections.abc import Mapping
from enum import StrEnum

from midwatch_core import Json

# What JSON's readers agree on, and far above any count.
_MAX_WHOLE = 2**53


class Meaning(StrEnum):
    """What an attribute says."""

    OPERATION = "operation"
    SPAN_KIND = "span kind"  # OpenInference's
    REQUEST_TYPE = "request type"  # OpenLLMetry's, of a call
    ENTITY_KIND = "entity kind"  # OpenLLMetry's, of anything else
    PROVIDER = "provider"
    REQUEST_MODEL = "request model"
    RESPONSE_MODEL = "response model"
    STREAM = "stream"
    FINISH_REASONS = "finish reasons"
    INPUT_TOKENS = "input tokens"
    OUTPUT_TOKENS = "output tokens"
    TOTAL_TOKENS = "total tokens"
    CACHE_READ_TOKENS = "cache read tokens"
    CACHE_WRITE_TOKENS = "cache write tokens"
    REASONING_TOKENS = "reasoning tokens"
    INPUT_AUDIO_TOKENS = "input audio tokens"
    INPUT_IMAGE_TOKENS = "input image tokens"
    CACHE_AUDIO_TOKENS = "cache audio tokens"
    OUTPUT_AUDIO_TOKENS = "output audio tokens"
    OUTPUT_IMAGE_TOKENS = "output image tokens"
    FIRST_CHUNK_S = "seconds to the first chunk"
    FIRST_CHUNK_MS = "milliseconds to the first chunk"
    SERVER = "server"
    STATUS = "HTTP status"
    ERROR_TYPE = "error type"
    SYSTEM_TEXT = "system instructions"
    INPUT_MESSAGES = "input messages"
    OUTPUT_MESSAGES = "output messages"
    TOOL_DEFINITIONS = "tool definitions"
    TOOL_NAME = "tool name"
    TOOL_CALL_ID = "tool call id"
    AGENT = "agent"
    USER = "user"
    SESSION = "session"
    CLIENT = "client"
    APP = "app"


ALIASES: Mapping[Meaning, tuple[str, ...]] = {
    Meaning.OPERATION: ("gen_ai.operation.name",),
    Meaning.SPAN_KIND: ("openinference.span.kind",),
    Meaning.REQUEST_TYPE: ("llm.request.type",),
    Meaning.ENTITY_KIND: ("traceloop.span.kind",),
    Meaning.PROVIDER: ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "llm.vendor"),
    Meaning.REQUEST_MODEL: (
        "gen_ai.request.model",
        "llm.request.model_name",
        "llm.request.model",
        "llm.model_name",
        "embedding.model_name",
        "reranker.model_name",
    ),
    Meaning.RESPONSE_MODEL: ("gen_ai.response.model", "llm.response.model_name", "llm.response.model"),
    Meaning.STREAM: ("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming", "gen_ai.request.is_stream"),
    Meaning.FINISH_REASONS: (
        "gen_ai.response.finish_reasons",
        "llm.finish_reason",
        "gen_ai.response.finish_reason",
        "gen_ai.response.stop_reason",
        "llm.response.finish_reason",
        "llm.response.stop_reason",
    ),
    Meaning.INPUT_TOKENS: (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "llm.usage.prompt_tokens",
    ),
    Meaning.OUTPUT_TOKENS: (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "llm.usage.completion_tokens",
    ),
    Meaning.TOTAL_TOKENS: ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens"),
    Meaning.CACHE_READ_TOKENS: (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input",
    ),
    Meaning.CACHE_WRITE_TOKENS: (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    Meaning.REASONING_TOKENS: (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "llm.usage.reasoning_tokens",
    ),
    Meaning.INPUT_AUDIO_TOKENS: ("gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"),
    Meaning.INPUT_IMAGE_TOKENS: ("gen_ai.usage.image.input_tokens",),
    Meaning.CACHE_AUDIO_TOKENS: ("gen_ai.usage.audio.cache_read.input_tokens",),
    Meaning.OUTPUT_AUDIO_TOKENS: ("gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"),
    Meaning.OUTPUT_IMAGE_TOKENS: ("gen_ai.usage.image.output_tokens",),
    Meaning.FIRST_CHUNK_S: ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"),
    Meaning.FIRST_CHUNK_MS: ("ai.response.msToFirstChunk",),
    Meaning.SERVER: ("server.address", "net.peer.name"),
    Meaning.STATUS: ("http.response.status_code", "http.status_code"),
    Meaning.ERROR_TYPE: ("error.type", "exception.type"),
    Meaning.SYSTEM_TEXT: ("gen_ai.system_instructions",),
    Meaning.INPUT_MESSAGES: ("gen_ai.input.messages",),
    Meaning.OUTPUT_MESSAGES: ("gen_ai.output.messages",),
    Meaning.TOOL_DEFINITIONS: ("gen_ai.tool.definitions",),
    Meaning.TOOL_NAME: ("gen_ai.tool.name", "tool.name", "traceloop.entity.name"),
    Meaning.TOOL_CALL_ID: ("gen_ai.tool.call.id", "tool_call.id", "tool.id"),
    Meaning.AGENT: ("gen_ai.agent.name", "agent.name"),
    Meaning.USER: ("user.id", "enduser.id", "gen_ai.user", "llm.user", "traceloop.association.properties.user_id"),
    Meaning.SESSION: ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"),
    Meaning.CLIENT: ("client.address",),
    Meaning.APP: ("service.name",),
}

# Settings of a request that are kept, by our names for them.
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "temperature": ("gen_ai.request.temperature", "llm.temperature"),
    "top_p": ("gen_ai.request.top_p", "llm.top_p"),
    "top_k": ("gen_ai.request.top_k", "llm.top_k"),
    "max_tokens": ("gen_ai.request.max_tokens", "gen_ai.request.max_completion_tokens", "llm.request.max_tokens"),
    "stop": ("gen_ai.request.stop_sequences", "llm.chat.stop_sequences"),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", "llm.frequency_penalty"),
    "presence_penalty": ("gen_ai.request.presence_penalty", "llm.presence_penalty"),
    "seed": ("gen_ai.request.seed", "gen_ai.openai.request.seed"),
    "n": ("gen_ai.request.choice.count", "gen_ai.request.n"),
    "reasoning_effort": ("gen_ai.request.reasoning.level", "gen_ai.request.reasoning_effort"),
    "service_tier": ("openai.request.service_tier", "gen_ai.openai.request.service_tier"),
    "dimensions": ("gen_ai.embeddings.dimension.count",),
}


class Bag:
    """A span's attributes, asked by their meaning. A value of another type than asked for is none."""

    __slots__ = ("attributes",)

    def __init__(self, attributes: Mapping[str, Json]) -> None:
        self.attributes = attributes

    def value(self, meaning: Meaning) -> Json:
        """The value as it was told, or None."""
        for name in ALIASES[meaning]:
            if (value := self.attributes.get(name)) is not None:
                return value
        return None

    def text(self, meaning: Meaning) -> str | None:
        """A text that is not empty; of a list its first."""
        value = self.value(meaning)
        if isinstance(value, list):
            value = value[0] if value else None
        return value if isinstance(value, str) and value else None

    def whole(self, meaning: Meaning) -> int | None:
        """A count: a whole number that is not negative; some SDKs tell counts as texts."""
        number = self.number(meaning)
        return int(number) if number is not None and 0 <= number <= _MAX_WHOLE and number == int(number) else None

    def number(self, meaning: Meaning) -> float | None:
        """A finite number, also one told as a text."""
        value = self.value(meaning)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if math.isfinite(number) else None

    def flag(self, meaning: Meaning) -> bool:
        """True only for true."""
        return self.value(meaning) is True

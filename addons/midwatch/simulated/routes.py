"""Which provider's operation a host and path mean; every provider is behind the same two ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from midwatch.simulated import codex_login, ollama
from midwatch.simulated.anthropic import batches as anthropic_batches
from midwatch.simulated.anthropic import messages as anthropic
from midwatch.simulated.bedrock import converse as bedrock
from midwatch.simulated.bedrock import errors as bedrock_errors
from midwatch.simulated.bedrock import invoke as bedrock_invoke
from midwatch.simulated.call import Answer, Call
from midwatch.simulated.cohere import chat as cohere
from midwatch.simulated.google import code_assist, gemini, vertex
from midwatch.simulated.openai import audio as openai_audio
from midwatch.simulated.openai import chat as openai_chat
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.openai import files as openai_files
from midwatch.simulated.openai import images as openai_images
from midwatch.simulated.openai import responses as openai_responses
from midwatch.simulated.openai import stored as openai_stored
from midwatch.simulated.openai import text as openai_text
from midwatch.simulated.openai.flavours import flavour_of
from midwatch.simulated.script import Script

Builder = Callable[[Call, Script], Answer]


class ErrorBuilder(Protocol):
    """Makes an error of `script.status` in a provider's shape."""

    def __call__(self, call: Call, script: Script, *, message: str | None = None) -> Answer:
        """The error answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation: what answers it, and how its provider words an error."""

    name: str
    build: Builder
    error: ErrorBuilder


def _openai_error(call: Call, script: Script, *, message: str | None = None) -> Answer:
    return openai_errors.error(call, script, flavour_of(call.host, call.path).name, message=message)


def _route(name: str, build: Builder, error: ErrorBuilder) -> Route:
    return Route(name=name, build=build, error=error)


_BATCH = _route("openai.batch", openai_files.batch, _openai_error)
_MESSAGE_BATCH = _route("anthropic.batch", anthropic_batches.batch, anthropic.error)

_POSTED = (
    ("/chat/completions", _route("openai.chat", openai_chat.answer, _openai_error)),
    ("/completions", _route("openai.completions", openai_text.completions, _openai_error)),
    ("/embeddings", _route("openai.embeddings", openai_text.embeddings, _openai_error)),
    ("/responses", _route("openai.responses", openai_responses.answer, _openai_error)),
    ("/v1/messages", _route("anthropic.messages", anthropic.answer, anthropic.error)),
    ("/responses/input_tokens", _route("openai.count", openai_stored.count, _openai_error)),
    ("/moderations", _route("openai.moderations", openai_text.moderations, _openai_error)),
    ("/images/generations", _route("openai.images", openai_images.answer, _openai_error)),
    ("/images/edits", _route("openai.images", openai_images.answer, _openai_error)),
    ("/images/variations", _route("openai.images", openai_images.answer, _openai_error)),
    ("/audio/speech", _route("openai.speech", openai_audio.speech, _openai_error)),
    ("/audio/transcriptions", _route("openai.transcription", openai_audio.transcription, _openai_error)),
    ("/audio/translations", _route("openai.transcription", openai_audio.transcription, _openai_error)),
    ("/v1/files", _route("openai.upload", openai_files.upload, _openai_error)),
    ("/v1/messages/batches", _MESSAGE_BATCH),
    ("/v1/batches", _BATCH),
    ("/v1/conversations", _route("openai.conversation", openai_stored.conversation, _openai_error)),
    ("/items", _route("openai.items", openai_stored.items, _openai_error)),
    ("/v1/messages/count_tokens", _route("anthropic.count", anthropic.count, anthropic.error)),
    ("/v1internal:loadCodeAssist", _route("code_assist.load", code_assist.load, gemini.error)),
    ("/v1internal:listExperiments", _route("code_assist.experiments", code_assist.nothing, gemini.error)),
    ("/v1internal:retrieveUserQuota", _route("code_assist.quota", code_assist.nothing, gemini.error)),
    ("/v1internal:generateContent", _route("code_assist.generate", code_assist.generate, gemini.error)),
    ("/v1internal:streamGenerateContent", _route("code_assist.stream", code_assist.stream, gemini.error)),
    ("/v1internal:countTokens", _route("code_assist.count", code_assist.count, gemini.error)),
    (":generateContent", _route("gemini.generate", gemini.generate, gemini.error)),
    (":streamGenerateContent", _route("gemini.stream", gemini.stream, gemini.error)),
    (":embedContent", _route("gemini.embed", gemini.embed, gemini.error)),
    (":batchEmbedContents", _route("gemini.embed", gemini.embed, gemini.error)),
    (":countTokens", _route("gemini.count", gemini.count, gemini.error)),
    (":rawPredict", _route("vertex.raw", vertex.raw_predict, anthropic.error)),
    (":streamRawPredict", _route("vertex.raw", vertex.raw_predict, anthropic.error)),
    (":predict", _route("vertex.predict", vertex.predict, gemini.error)),
    ("/v2/chat", _route("cohere.chat", cohere.chat, cohere.error)),
    ("/v2/embed", _route("cohere.embed", cohere.embed, cohere.error)),
    ("/v1/embed", _route("cohere.embed", cohere.embed, cohere.error)),
    ("/v2/rerank", _route("cohere.rerank", cohere.rerank, cohere.error)),
    ("/v1/rerank", _route("cohere.rerank", cohere.rerank, cohere.error)),
    ("/converse", _route("bedrock.converse", bedrock.converse, bedrock_errors.error)),
    ("/converse-stream", _route("bedrock.converse_stream", bedrock.converse_stream, bedrock_errors.error)),
    ("/invoke", _route("bedrock.invoke", bedrock_invoke.invoke, bedrock_errors.error)),
    (
        "/invoke-with-response-stream",
        _route("bedrock.invoke_stream", bedrock_invoke.invoke_stream, bedrock_errors.error),
    ),
    ("/count-tokens", _route("bedrock.count", bedrock.count, bedrock_errors.error)),
    ("/apply", _route("bedrock.guardrail", bedrock.guardrail, bedrock_errors.error)),
    ("/api/chat", _route("ollama.chat", ollama.chat, ollama.error)),
    ("/api/generate", _route("ollama.generate", ollama.generate, ollama.error)),
    ("/api/embed", _route("ollama.embed", ollama.embed, ollama.error)),
)
_FETCHED = (
    ("/v1/models", _route("openai.models", openai_text.models, _openai_error)),
    ("/codex/models", _route("codex.models", codex_login.models, _openai_error)),
    ("/wham/accounts/check", _route("codex.accounts", codex_login.accounts, _openai_error)),
    ("/api/tags", _route("ollama.tags", ollama.tags, ollama.error)),
    ("/content", _route("openai.content", openai_files.content, _openai_error)),
    ("/results", _route("anthropic.results", anthropic_batches.results, anthropic.error)),
    ("/v1/batches", _route("openai.batches", openai_files.batches, _openai_error)),
)
# What is asked of one thing, by its id: whose parent a path names.
_OF_ONE = (
    ("GET", "/v1/responses", _route("openai.fetched", openai_stored.fetched, _openai_error)),
    ("GET", "/v1/messages/batches", _MESSAGE_BATCH),
    ("GET", "/v1/batches", _BATCH),
)


@lru_cache(maxsize=512)
def route_of(method: str, path: str) -> Route | None:
    """The operation behind a method and path, or None: no LLM call."""
    table = _POSTED if method == "POST" else _FETCHED if method == "GET" else ()
    found = next((route for end, route in table if path.endswith(end)), None)
    parent = path.rpartition("/")[0]
    return found or next((route for verb, end, route in _OF_ONE if verb == method and parent.endswith(end)), None)

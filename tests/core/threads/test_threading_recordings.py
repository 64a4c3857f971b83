"""Recorded conversations with real providers: what carries an earlier answer along goes on from it."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from midwatch_core.model.exchange import Exchange
from midwatch_core.sealing import Sealer
from midwatch_core.threads.history import history_of
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.dialects.gemini.generate_content import GeminiGenerateContent
from midwatch_core.wire.dialects.ollama.chat import OllamaChat
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target
from tests.core.threads.talks import KEY, Talk
from tests.core.wire.recordings import ABSENT, Recording, recorded

DIALECTS: dict[str, Dialect] = {
    "openai-chat": OpenAIChat(),
    "openai-chat-sse": OpenAIChat(),
    "openai-responses": OpenAIResponses(),
    "openai-responses-sse": OpenAIResponses(),
    "anthropic": AnthropicMessages(),
    "anthropic-sse": AnthropicMessages(),
    "gemini": GeminiGenerateContent(),
    "gemini-sse": GeminiGenerateContent(),
    "ollama-chat": OllamaChat(),
    "ollama-chat-ndjson": OllamaChat(),
}


def talks() -> Iterable[tuple[str, list[Recording]]]:
    """The recordings of each file, which are the calls of one program in their order."""
    found = [param.values[0] for param in recorded(*DIALECTS)]
    recordings = sorted((item for item in found if isinstance(item, Recording)), key=lambda item: item.name)
    for name, calls in itertools.groupby(recordings, key=lambda item: item.name):
        yield name, list(calls)


def threaded(talk: Talk, recording: Recording) -> Exchange:
    talk.dialect = DIALECTS[recording.kind]
    sealer, target = Sealer(KEY, talk.tenant), Target(host="provider.test", path=recording.uri)
    request = decode_request(talk.dialect, recording.request.body, target)
    answer = ResponseDecoder(
        talk.dialect,
        status=recording.status,
        content_type=recording.response.headers.get("content-type", ""),
        content_encoding="",
        asked_to_stream=request.request.stream,
    )
    answer.feed(recording.response.plain)
    made: Any = replace(
        talk.made({}, {}),
        request=sealer.request(request),
        response=sealer.response(answer.finish()),
        status=recording.status,
    )
    return talk.threader.thread(made)


def test_every_recorded_call_that_carries_an_answer_along_goes_on_from_it() -> None:
    carrying, alone, spans = 0, [], 0
    for name, calls in talks():
        talk = Talk(OpenAIChat())
        for number, recording in enumerate(calls):
            exchange = threaded(talk, recording)
            spans += len(exchange.tool_spans)
            if number and history_of(exchange.request).places:
                carrying += 1
                assert exchange.thread is not None
                if exchange.thread.parent_id is None:
                    alone.append(name)
    if not carrying:
        pytest.skip(ABSENT)
    assert alone == []
    assert (carrying, spans) >= (20, 15)

"""Exchanges as they really look, with sealed hashes and skeletons; the same ones in every run."""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from midwatch_core.ids import uuid7
from midwatch_core.model.content import FinishReason, Json, Operation, Request, Response
from midwatch_core.model.cost import Cost, CostLine
from midwatch_core.model.exchange import Endpoint, Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.timing import Timing
from midwatch_core.model.usage import Usage
from midwatch_core.sealing import Sealer, skeleton

BEGINNING = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
_KEY = b"the key of an installation that only tests"
_PARTS = {"system": Part.SYSTEM, "user": Part.USER, "assistant": Part.ASSISTANT}
_SYLLABLES = ("ka", "lo", "mi", "ren", "tas", "vo", "ül", "she", "dor", "pi", "qua", "nes", "tri", "be", "ost", "any")
_numbers = itertools.count(1)

type Messages = Sequence[tuple[str, str]]


def prose(characters: int, seed: int) -> str:
    """Words that look like a language, the same ones for the same seed; they compress about as text does."""
    chance = random.Random(seed)  # noqa: S311  # for looks
    words: list[str] = []
    left = characters
    while left > 0:
        word = "".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4)))
        words.append(word)
        left -= len(word) + 1
    return " ".join(words)[:characters]


def make_exchange(
    *,
    tenant: str = "default",
    model: str = "gpt-5-mini",
    messages: Messages = (("system", "You are terse."), ("user", "What is the capital of France?")),
    answer: str = "Paris.",
    **changes: Any,
) -> Exchange:
    """A chat call that went well. `changes` replace fields of the exchange; every call has a new id, a second later."""
    number = next(_numbers)
    started_at = BEGINNING + timedelta(seconds=number)
    exchange = Exchange(
        id=uuid7(started_at.timestamp(), number.to_bytes),
        trace_id=f"trace-{number}",
        started_at=started_at,
        identity=Identity(
            tenant=tenant, agent="coder", app="editor", client="127.0.0.1", learned_from={"app": "header"}
        ),
        endpoint=Endpoint(
            provider="openai",
            dialect="openai.chat",
            host="api.openai.com",
            port=443,
            path="/v1/chat/completions",
        ),
        request=make_request(messages, tenant=tenant, model=model),
        response=make_response(answer, tenant=tenant, model=f"{model}-2026-01-31"),
        status=200,
        timing=Timing(ttft_ms=210.5, duration_ms=640.25),
        cost=make_cost("0.000123", input_tokens=21, output_tokens=4),
    )
    return replace(exchange, **changes)


def make_request(messages: Messages, *, tenant: str = "default", model: str = "gpt-5-mini") -> Request:
    """A sealed Chat Completions request."""
    document: dict[str, Json] = {
        "model": model,
        "messages": [{"role": role, "content": text} for role, text in messages],
        "temperature": 0.2,
    }
    segments = _sealed(
        tenant, ((_PARTS[role], f"/messages/{index}/content", text) for index, (role, text) in enumerate(messages))
    )
    return Request(
        operation=Operation.CHAT,
        model=model,
        segments=segments,
        parameters={"temperature": 0.2},
        body_bytes=sum(len(text.encode()) for _, text in messages) + 80,
        body=skeleton(document, segments),
    )


def make_response(answer: str, *, tenant: str = "default", model: str = "gpt-5-mini") -> Response:
    """A sealed Chat Completions answer that came whole."""
    path = "/choices/0/message/content"
    segments = _sealed(tenant, [(Part.ASSISTANT, path, answer)])
    message: dict[str, Json] = {"role": "assistant", "content": answer}
    document: dict[str, Json] = {"id": "chatcmpl-1", "choices": [{"index": 0, "message": message}], "model": model}
    return Response(
        model=model,
        id="chatcmpl-1",
        segments=segments,
        finish_reason=FinishReason.STOP,
        raw_finish_reason="stop",
        usage=Usage(input_tokens=21, output_tokens=4, cache_read_tokens=0),
        body_bytes=len(answer.encode()) + 120,
        body=skeleton(document, segments),
    )


def make_cost(amount: str, *, input_tokens: int = 1, output_tokens: int = 1) -> Cost:
    """A known cost with the lines of its invoice."""
    line = CostLine(kind="input", quantity=input_tokens, rate=Decimal("0.25"), per=1_000_000, amount=Decimal(amount))
    return Cost(
        amount=Decimal(amount),
        source="a price list",
        lines=(line, replace(line, kind="output", quantity=output_tokens)),
    )


def conversation(turns: int, *, characters: int = 600, tenant: str = "default", seed: int = 0) -> Iterator[Exchange]:
    """The calls of one agent: each sends everything said before, and `characters` new ones; the answer has as many."""
    messages: list[tuple[str, str]] = [("system", prose(2_000, seed))]
    for turn in range(turns):
        messages.append(("user", prose(characters, _seed_of(seed, turn, 0))))
        answer = prose(characters, _seed_of(seed, turn, 1))
        yield make_exchange(tenant=tenant, messages=tuple(messages), answer=answer, trace_id=f"conversation-{seed}")
        messages.append(("assistant", answer))


def _seed_of(seed: int, turn: int, side: int) -> int:
    """A seed of its own for each text of a conversation."""
    return (seed + 1) * 1_000_003 + turn * 2 + side


def _sealed(tenant: str, texts: Iterable[tuple[Part, str, str]]) -> tuple[Segment, ...]:
    sealer = Sealer(_KEY, tenant)
    return tuple(Segment(part=part, path=path, text=text, hash=sealer.hash(text)) for part, path, text in texts)

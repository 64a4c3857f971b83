"""The words of a simulated model: a canned answer that repeats the user's words, cut into tokens; counts that fit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import cycle, islice
from typing import Any

import orjson

_PIECE = re.compile(r"\s*\S+|\s+$")
_WORD = re.compile(r"[^\W\d_]{4,}")
_REPEAT = "repeat after me:"
_THOUGHT = (
    "The user wants to hear about {topic}. I should say briefly what matters, check it once,"
    " and answer in plain words without inventing anything."
)
_ANSWER = (
    "You asked about {topic}. Here is the short version: start with what you know, change one thing at a time,"
    " and write down what you saw. If {topic} still behaves oddly, tell me what you expected and what happened instead."
)
_MORE = " It helps to keep the steps small and to look at the result after each of them."


def pieces(text: str) -> tuple[str, ...]:
    """Text cut into tokens that join to the same text: a word with the space before it."""
    return tuple(_PIECE.findall(text))


def count_tokens(characters: int) -> int:
    """Tokens of a text of so many characters: four to a token, rounded up."""
    return (characters + 3) // 4


def volume(value: Any) -> int:
    """Characters of all strings in a JSON value. Without recursion: the value may be nested deeply."""
    total = 0
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return total


def topic_of(text: str) -> str:
    """One or two of the user's longer words, the last ones, for the answer to repeat."""
    words = _WORD.findall(text[-400:])
    return " and ".join(dict.fromkeys(words[-2:])) or "that"


def reply_tokens(text: str, count: int | None) -> tuple[str, ...]:
    """The answer to a user's text: what follows "repeat after me:", or canned; exactly `count` tokens if given."""
    at = text.lower().rfind(_REPEAT)
    if at >= 0:
        return fit(pieces(text[at + len(_REPEAT) :].strip()), count)
    return _canned(_ANSWER, topic_of(text), count)


def thought_tokens(text: str, count: int | None) -> tuple[str, ...]:
    """The reasoning before the answer; exactly `count` tokens if given."""
    return _canned(_THOUGHT, topic_of(text), count)


@lru_cache(maxsize=256)
def _canned(template: str, topic: str, count: int | None) -> tuple[str, ...]:
    return fit(pieces(template.format(topic=topic)), count)


def fit(tokens: tuple[str, ...], count: int | None) -> tuple[str, ...]:
    """Tokens cut, or continued with a filler, to exactly `count`."""
    if count is None or count == len(tokens):
        return tokens
    if count < len(tokens):
        return tokens[:count]
    return (*tokens, *islice(cycle(pieces(_MORE)), count - len(tokens)))


def example_of(schema: Any, text: str, depth: int = 0) -> Any:
    """A value that a JSON schema allows, made from the user's words; nothing deeper than eight levels."""
    if not isinstance(schema, dict) or depth > 8:
        return None
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = str(next((k for k in kind if k != "null"), "null") if isinstance(kind, list) else kind).lower()
    if kind == "object" or (kind == "none" and "properties" in schema):
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        return {name: example_of(part, text, depth + 1) for name, part in properties.items()}
    if kind == "array":
        return [example_of(schema.get("items") or {"type": "string"}, text, depth + 1)]
    return {"integer": 3, "number": 2.5, "boolean": True, "null": None}.get(kind, topic_of(text))


def json_pieces(value: Any, size: int = 8) -> tuple[str, ...]:
    """JSON text of a value in pieces of `size` characters, as tool arguments are streamed."""
    text = orjson.dumps(value).decode()
    return tuple(text[i : i + size] for i in range(0, len(text), size))


def batched_text(tokens: Iterable[str], size: int) -> tuple[str, ...]:
    """Tokens joined by `size`: providers whose events hold several."""
    items = tuple(tokens)
    return tuple("".join(items[i : i + size]) for i in range(0, len(items), size))

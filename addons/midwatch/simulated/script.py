"""How a simulated provider is to behave: what the `x-sim` request header or a constructor says, as one frozen value."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import unquote

ENCODINGS = ("", "gzip", "deflate", "br", "zstd")
FRAMINGS = ("auto", "length", "chunked", "close")


class ScriptError(ValueError):
    """An `x-sim` header that can't be read; the message names the key and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What to do with a request. Each field is also a key of the `x-sim` header.

    `x-sim: tokens=20,gap_ms=5,encoding=gzip`. Values in the header may be percent-encoded. A flag is set by `echo=1`.
    Over WebSocket the handshake's header holds for every call, and a call's own `metadata` may have an `x-sim` too.
    """

    delay_ms: float = 0.0
    """Wait before the first byte of the answer, its head included."""
    gap_ms: float = 0.0
    """Wait between two writes of a streamed answer."""
    tokens: int | None = None
    """Exact number of text tokens (a stream has one event for each); wins over the request's max_tokens."""
    events_per_write: int = 1
    """How many events of a stream go out in one write."""
    status: int = 200
    """400 and above: an error in the provider's own shape."""
    retry_after: float = 1.0
    """Seconds in `retry-after`, on 429, 503 and 529."""
    die_after: int | None = None
    """Close the connection abruptly after so many events; 0: before any byte. Of a JSON answer half is sent."""
    fail_after: int | None = None
    """After so many events of a stream send the provider's own error event and end the stream properly."""
    encoding: str = ""
    """Content-encoding of the answer: gzip, deflate, br or zstd; flushed at every write of a stream."""
    framing: str = "auto"
    """length, chunked, close (end of connection is end of body), or auto: length for JSON, chunked for streams."""
    echo: bool = False
    """Answer with the SHA-256 and length of the body that arrived, instead of a model's answer."""
    no_content_type: bool = False
    """Leave the content-type away, as some self-hosted servers do."""
    split: int = 0
    """Cut what is written into fragments of so many bytes, each a write of its own, whatever they cut through; messages
    of a WebSocket into frames of so many characters."""
    cached: int | None = None
    """Prompt tokens read from the cache (at most the prompt; for Anthropic at most what cache_control marks)."""
    cache_write: int | None = None
    """Prompt tokens written to the cache, where OpenAI reports them."""
    reasoning: int | None = None
    """Number of reasoning tokens of a model that reasons."""
    answer: str | None = None
    """The text to answer with, instead of one made from the user's words."""
    arguments: str | None = None
    """JSON text of an object: call the first tool that the request offers with these arguments."""

    @property
    def slow(self) -> bool:
        """Whether the answer can't be written in one go."""
        return bool(self.delay_ms or self.split or self.die_after is not None)


def _flag(value: str) -> bool:
    return value.lower() not in ("0", "false", "no", "")


_READERS: dict[str, Callable[[str], object]] = {
    "delay_ms": float,
    "gap_ms": float,
    "tokens": int,
    "events_per_write": int,
    "status": int,
    "retry_after": float,
    "die_after": int,
    "fail_after": int,
    "encoding": str,
    "framing": str,
    "echo": _flag,
    "no_content_type": _flag,
    "split": int,
    "cached": int,
    "cache_write": int,
    "reasoning": int,
    "answer": str,
    "arguments": str,
}


@lru_cache(maxsize=256)
def parse_script(header: str, base: Script) -> Script:
    """The script that `header` asks for, over `base`.

    Raises ScriptError for an unknown key, a value that is no number, or a word outside its list.
    """
    changes: dict[str, object] = {}
    for item in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = item.partition("=")
        changes[key] = _read(key, unquote(value))
    script = replace(base, **changes)  # type: ignore[arg-type]  # each value was read by its own field's reader
    _check(script)
    return script


def _read(key: str, value: str) -> object:
    reader = _READERS.get(key)
    if reader is None:
        raise ScriptError(f"x-sim: unknown key {key!r}; known are {', '.join(_READERS)}")
    try:
        return reader(value)
    except ValueError:
        raise ScriptError(f"x-sim: {key}={value!r} is not a number") from None


def _check(script: Script) -> None:
    if script.encoding not in ENCODINGS:
        raise ScriptError(f"x-sim: encoding={script.encoding!r}; known are {', '.join(ENCODINGS[1:])}")
    if script.framing not in FRAMINGS:
        raise ScriptError(f"x-sim: framing={script.framing!r}; known are {', '.join(FRAMINGS)}")
    if script.events_per_write < 1 or script.split < 0 or (script.tokens or 0) < 0:
        raise ScriptError("x-sim: events_per_write must be at least 1, split and tokens at least 0")
    if script.arguments is not None and not _is_object(script.arguments):
        raise ScriptError("x-sim: arguments is no JSON object")
    if not 200 <= script.status <= 599:
        raise ScriptError(f"x-sim: status={script.status} is no HTTP status of an answer")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False

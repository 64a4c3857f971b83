"""What a model's process and its owner say to each other: an order to load, batches of texts, and answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from midwatch_core.children.frames import pack
from midwatch_core.model.content import Json

# What a model may say of one text.
LONGEST_VALUE_BYTES = 256 * 1024
# What stands around it: names, and an error's words.
_AROUND_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a fresh process is to load: `load` is `module:function`, found along `path`, given `options`."""

    load: str
    options: Mapping[str, Json]
    path: Sequence[str]
    nice: int

    def frame(self) -> bytes:
        """It, for the pipe."""
        return pack({"load": self.load, "options": dict(self.options), "path": list(self.path), "nice": self.nice})

    @classmethod
    def read(cls, header: Mapping[str, Any]) -> "Order":
        """It, from the pipe."""
        return cls(load=header["load"], options=header["options"], path=header["path"], nice=header["nice"])


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAnswer:
    """What a model said of one text, or why it said nothing."""

    value: Json = None
    error: str | None = None


class NoAnswerError(ValueError):
    """What came is no answer to a batch."""


def batch_frame(texts: Sequence[str]) -> bytes:
    """A batch for the pipe. Half a surrogate pair is kept: JSON could not carry it."""
    pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
    return pack({"texts": [len(piece) for piece in pieces]}, b"".join(pieces))


def read_batch(header: Mapping[str, Any], body: bytes) -> list[str]:
    """The texts of a batch."""
    texts, start = [], 0
    for length in header["texts"]:
        texts.append(body[start : start + length].decode("utf-8", "surrogatepass"))
        start += length
    return texts


def answer_header(answers: Sequence[TextAnswer], seconds: float) -> dict[str, Any]:
    """Answers for the pipe. What is no JSON, or too long, becomes an error of its text alone."""
    return {"answers": [_told(answer) for answer in answers], "seconds": seconds}


def longest_answer_bytes(texts: int) -> int:
    """How long the answer to so many texts can be."""
    return texts * (LONGEST_VALUE_BYTES + _AROUND_BYTES) + _AROUND_BYTES


def read_answers(header: Mapping[str, Any], texts: int) -> tuple[list[TextAnswer], float]:
    """The answers to so many texts, and the seconds they took. Raises NoAnswerError."""
    answers, seconds = header.get("answers"), header.get("seconds")
    if not isinstance(answers, list) or len(answers) != texts or not isinstance(seconds, float):
        raise NoAnswerError(f"no answer to {texts} texts")
    if not all(isinstance(answer, dict) for answer in answers):
        raise NoAnswerError("an answer that is no object")
    return [TextAnswer(value=answer.get("value"), error=answer.get("error")) for answer in answers], seconds


def plain(text: str) -> str:
    """Words that JSON can carry, and a log bear."""
    return text.encode("utf-8", "replace").decode()[:500]


def _told(answer: TextAnswer) -> dict[str, Any]:
    if answer.error is not None:
        return {"error": plain(answer.error)}
    try:
        value = orjson.dumps(answer.value)
    except orjson.JSONEncodeError as error:
        return {"error": plain(f"its answer is no JSON: {error}")}
    if len(value) > LONGEST_VALUE_BYTES:
        return {"error": f"its answer has {len(value)} bytes, more than {LONGEST_VALUE_BYTES}"}
    return {"value": orjson.Fragment(value)}

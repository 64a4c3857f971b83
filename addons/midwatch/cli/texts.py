"""Texts for `scan`: from files, standard input and JSON lines, none longer than traffic may be inspected."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from midwatch_core.errors import ConfigError
from midwatch_core.model.segment import Part
from midwatch_core.wire.jsontext import parse

STDIN = "-"
_SNIFFED = 8192


class NoTextError(ValueError):
    """A JSON line that is no text; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A text, and the file it came from (None for a word of the command line)."""

    text: str
    file: str | None = None


def from_word(word: str) -> Source:
    """A word of the command line; bytes in it that are no UTF-8 are replaced."""
    return Source(text=word.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def from_file(name: str, most: int) -> Source:
    """A file, or standard input (`-`). Raises ConfigError for one that is absent, binary, or longer than `most`."""
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(most + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(most + 1)
    except OSError as error:
        raise ConfigError(f"--file {name}: {error.strerror}") from error
    if len(data) > most:
        raise ConfigError(f"{_shown(name)}: longer than {most:,} bytes; no more is inspected (max_inspect_bytes)")
    if b"\0" in data[:_SNIFFED]:
        raise ConfigError(f"{_shown(name)}: binary, not text; scan reads UTF-8")
    return Source(text=_decoded(data, _shown(name)), file=name)


def from_lines(name: str, most: int) -> Iterator[bytes | None]:
    """The lines of a file, or of standard input (`-`); None for one that is longer than `most`. Raises ConfigError."""
    if name == STDIN:
        yield from _lines(sys.stdin.buffer, most)
        return
    try:
        with Path(name).open("rb") as file:
            yield from _lines(file, most)
    except OSError as error:
        raise ConfigError(f"--jsonl {name}: {error.strerror}") from error


def part_of(name: str) -> Part:
    """A part by its name. Raises ConfigError."""
    try:
        return Part(name)
    except ValueError:
        raise ConfigError(f"--where {name}: there are {', '.join(Part)}") from None


def read_line(line: bytes | None, default: Part) -> tuple[str, Part]:
    """The text and part of a JSON line. Raises NoTextError."""
    if line is None:
        raise NoTextError("the line is too long")
    document, problem = parse(line)
    if problem:
        raise NoTextError(problem)
    if not isinstance(document, dict):
        raise NoTextError('expected an object like {"text": "…", "where": "user"}')
    text, where = document.get("text"), document.get("where")
    if not isinstance(text, str):
        raise NoTextError("there is no `text`" if text is None else "`text` is no string")
    if where is None:
        return text, default
    if where not in list(Part):
        raise NoTextError(f"`where` is {str(where)[:40]!r}; there are {', '.join(Part)}")
    return text, Part(where)


def _lines(stream: BinaryIO, most: int) -> Iterator[bytes | None]:
    while line := stream.readline(most + 1):
        if len(line) <= most or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(most)
        yield None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        print(f"midwatch: {name}: not UTF-8 at byte {error.start}; such bytes are read as U+FFFD", file=sys.stderr)
        return data.decode("utf-8", "replace")


def _shown(name: str) -> str:
    return "standard input" if name == STDIN else name

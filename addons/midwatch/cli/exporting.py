"""`traces export`: exchanges as they are kept, masked, as JSON lines or as a HAR file. `replay` reads both."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from midwatch import __version__
from midwatch.cli.printing import ReaderGoneError
from midwatch.cli.stored import Stored
from midwatch.home import Home
from midwatch_core.errors import ConfigError
from midwatch_core.har import har_entry, har_head

type Write = Callable[[bytes], None]


def export(
    home: Home, config_file: Path | None, wanted: Mapping[str, Any], *, as_har: bool, output: Path | None
) -> int:
    """Write what is wanted into `output`, or to standard output. A file is there when it is whole, and not before."""
    stored = Stored(home, config_file)
    with _opened(output) as write:
        count = asyncio.run((_har if as_har else _lines)(stored, wanted, write))
    print(f"midwatch: {count:,} exchanges", file=sys.stderr)
    return 0


async def _lines(stored: Stored, wanted: Mapping[str, Any], write: Write) -> int:
    count = 0
    async with stored.oldest_first(wanted) as answers:
        async for answer in answers:
            write(orjson.dumps(_line(answer)) + b"\n")
            count += 1
    return count


async def _har(stored: Stored, wanted: Mapping[str, Any], write: Write) -> int:
    count = 0
    write(b'{"log":' + orjson.dumps(har_head(__version__))[:-1] + b',"entries":[')
    async with stored.oldest_first(wanted) as answers:
        async for answer in answers:
            entry = har_entry(stored.exchange_of(answer["exchange"]), _line(answer))
            write((b",\n" if count else b"\n") + orjson.dumps(entry))
            count += 1
    write(b"\n]}}\n")
    return count


def _line(answer: Mapping[str, Any]) -> dict[str, Any]:
    """As `traces show --json` prints it."""
    return {**answer["row"], "exchange": answer["exchange"]}


@contextmanager
def _opened(output: Path | None) -> Iterator[Write]:
    """Where to write: what is said in calls is for its owner's eyes alone. Raises ConfigError, ReaderGoneError."""
    if output is None:
        yield _print
        sys.stdout.buffer.flush()
        return
    fresh = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123  # by descriptor
            yield _writer(file, output)
        fresh.replace(output)
    except OSError as error:
        raise ConfigError(f"--output {output}: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)


def _writer(file: BinaryIO, output: Path) -> Write:
    def write(data: bytes) -> None:
        try:
            file.write(data)
        except OSError as error:
            raise ConfigError(f"--output {output}: {error.strerror}") from error

    return write


def _print(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
    except BrokenPipeError as error:
        raise ReaderGoneError from error

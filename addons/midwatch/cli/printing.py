"""Printing: JSON lines for scripts, tables for people."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson


class ReaderGoneError(Exception):
    """Whoever read our output has all they want, as `traces | head` does after ten lines."""


def print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """One object a line. Raises ReaderGoneError."""
    for row in rows:
        try:
            sys.stdout.buffer.write(orjson.dumps(row, default=str) + b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:
            raise ReaderGoneError from error


def print_text(text: str) -> None:
    """A line or several, at once. Raises ReaderGoneError."""
    try:
        print(text, flush=True)
    except BrokenPipeError as error:
        raise ReaderGoneError from error


def end_quietly() -> int:
    """The end after a ReaderGoneError: no traceback, and none from the interpreter's own flush either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()
) -> None:
    """A table as wide as it must be; columns named in `right` are aligned there. Raises ReaderGoneError."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    numbers = set(right)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 200
    with console.capture() as captured:
        console.print(table)
    print_text(captured.get().rstrip("\n"))


# Before an amount that nobody was billed.
EQUIVALENT = "≈"
EQUIVALENT_NOTE = "≈ what the API would charge: a subscription pays for these calls"

EXCHANGE_COLUMNS = (
    "time",
    "app",
    "provider",
    "model",
    "status",
    "in",
    "out",
    "cached",
    "cost",
    "ttft",
    "total",
    "finish",
    "tools",
    "findings",
)
EXCHANGE_NUMBERS = ("status", "in", "out", "cached", "cost", "ttft", "total")


def exchange_cells(row: Mapping[str, Any]) -> list[str]:
    """The cells of one exchange in a table for people."""
    return [
        str(row["started_at"])[11:19],
        row["app"] or "",
        row["provider"],
        visible(row["model"] or ""),
        str(row["status"] or "-"),
        count(row["input_tokens"]),
        count(row["output_tokens"]),
        count(row["cache_read_tokens"]),
        cost_of(row),
        milliseconds(row["ttft_ms"]) + (" ~" if row["streamed"] else ""),
        milliseconds(row["duration_ms"]),
        row["finish_reason"] or row["error"] or "",
        visible(", ".join(row["tools_called"])),
        found(row["findings"]),
    ]


def found(rules: Sequence[str]) -> str:
    """The first rule that fired, and how many more."""
    if not rules:
        return ""
    return visible(rules[0].rpartition("/")[2]) + (f" +{len(rules) - 1}" if len(rules) > 1 else "")


def count(value: int | None) -> str:
    """A number of tokens; unknown is a dash, never a zero."""
    return "-" if value is None else f"{value:,}"


def money(value: float | None) -> str:
    """US dollars to a millionth, smaller ones to their first digits; unknown is a question mark."""
    if value is None:
        return "?"
    return f"${value:.6f}" if value >= 0.000_1 or not value else f"${value:.9f}".rstrip("0")


def cost_of(row: Mapping[str, Any]) -> str:
    """What a call cost; after a `≈`, what it would have cost by the API, where a subscription paid for it."""
    mark = EQUIVALENT if row["cost_basis"] == "api_equivalent" and row["cost_usd"] is not None else ""
    return mark + money(row["cost_usd"])


def milliseconds(value: float | None) -> str:
    """A duration."""
    if value is None:
        return "-"
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def visible(text: str) -> str:
    """Text of strangers without control characters, so that it can't drive the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)

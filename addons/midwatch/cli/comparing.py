"""`traces diff`: what a request changed against an earlier one, and what that did to the prompt cache."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from midwatch.cli.printing import count, print_json, print_text, visible
from midwatch.cli.stored import Stored
from midwatch.home import Home
from midwatch_core.diff_telling import (
    ToldChange,
    cache_told,
    cache_usage,
    diff_document,
    diff_exchanges,
    short_json,
    told_changes,
)
from midwatch_core.model.exchange import Exchange
from midwatch_core.request_diff import Kind, RequestDiff, Value

# Lines of one difference that people are shown; --json has the texts.
_MOST_SHOWN = 60
_LONGEST_LINE = 200
_MARKS = {Kind.CHANGED: "~", Kind.ADDED: "+", Kind.REMOVED: "-"}


def compare(home: Home, config_file: Path | None, before_id: str, after_id: str, *, as_json: bool) -> int:
    """Print what differs: 1 where one of them is not there, 0 otherwise."""
    before, after = asyncio.run(_both(Stored(home, config_file), before_id, after_id))
    if before is None or after is None:
        print(f"midwatch: no exchange {visible(before_id if before is None else after_id)}", file=sys.stderr)
        return 1
    diff = diff_exchanges(before, after)
    if as_json:
        print_json([diff_document(before, after, diff)])
    else:
        print_text("\n".join(_lines(before, after, diff)))
    return 0


async def _both(stored: Stored, before: str, after: str) -> tuple[Exchange | None, Exchange | None]:
    return await stored.exchange(before), await stored.exchange(after)


def _lines(before: Exchange, after: Exchange, diff: RequestDiff) -> Iterator[str]:
    yield f"- {before.id}  {before.started_at:%Y-%m-%d %H:%M:%S}  {visible(before.model or '?')}"
    yield f"+ {after.id}  {after.started_at:%Y-%m-%d %H:%M:%S}  {visible(after.model or '?')}"
    counts = (f"{diff.count(kind):,} {kind.value}" for kind in Kind)
    yield f"texts: {', '.join(counts)}"
    yield from map(_value, diff.values)
    yield ""
    yield from _cache(before, after, diff)
    for change in told_changes(diff):
        yield from _change(change)


def _value(value: Value) -> str:
    before, after = (visible(short_json(item, _LONGEST_LINE)) for item in (value.before, value.after))
    return f"{visible(value.name)}: {before} → {after}"


def _cache(before: Exchange, after: Exchange, diff: RequestDiff) -> Iterator[str]:
    yield f"prompt cache: {visible(cache_told(before, after, diff))}"
    for mark, usage in (("-", cache_usage(before)), ("+", cache_usage(after))):
        yield (
            f"{mark} {count(usage['cache_read_tokens'])} tokens read from the cache and"
            f" {count(usage['cache_write_tokens'])} written, of {count(usage['input_tokens'])} in all"
        )


def _change(change: ToldChange) -> Iterator[str]:
    yield ""
    yield f"{_MARKS[change.kind]} {change.group}  {change.part}  {visible(change.path)}"
    for line in change.lines[:_MOST_SHOWN]:
        yield f"  {visible(line[:_LONGEST_LINE])}{'…' if len(line) > _LONGEST_LINE else ''}"
    if len(change.lines) > _MOST_SHOWN:
        yield f"  … {len(change.lines) - _MOST_SHOWN:,} more lines (--json has the texts)"

"""`traces diff`: what a request changed against an earlier one, and what that did to the prompt cache."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from difflib import unified_diff
from pathlib import Path
from typing import Any

from midwatch.cli.printing import count, print_json, print_text, visible
from midwatch.cli.stored import Stored
from midwatch.home import Home
from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Segment
from midwatch_core.request_diff import Break, Change, Kind, RequestDiff, Value, diff_requests

# Lines of a text that are compared, and of one difference that people are shown; --json has the texts.
_MOST_COMPARED, _MOST_SHOWN = 2000, 60
_LONGEST_LINE = 200
_MARKS = {Kind.CHANGED: "~", Kind.ADDED: "+", Kind.REMOVED: "-"}


def compare(home: Home, config_file: Path | None, before_id: str, after_id: str, *, as_json: bool) -> int:
    """Print what differs: 1 where one of them is not there, 0 otherwise."""
    before, after = asyncio.run(_both(Stored(home, config_file), before_id, after_id))
    if before is None or after is None:
        print(f"midwatch: no exchange {visible(before_id if before is None else after_id)}", file=sys.stderr)
        return 1
    same_tenant = before.identity.tenant == after.identity.tenant
    diff = diff_requests(before.request, after.request, by_hash=same_tenant)
    if as_json:
        print_json([_document(before, after, diff)])
    else:
        print_text("\n".join(_lines(before, after, diff)))
    return 0


async def _both(stored: Stored, before: str, after: str) -> tuple[Exchange | None, Exchange | None]:
    return await stored.exchange(before), await stored.exchange(after)


def _document(before: Exchange, after: Exchange, diff: RequestDiff) -> dict[str, Any]:
    return {
        "before": before.id,
        "after": after.id,
        "values": [asdict(value) for value in diff.values],
        "changes": [asdict(change) for change in diff.changes if change.kind is not Kind.SAME],
        "same": diff.count(Kind.SAME),
        "cache": {
            "broken": None if diff.breaks is None else asdict(diff.breaks),
            "before": _usage(before),
            "after": _usage(after),
        },
    }


def _usage(exchange: Exchange) -> dict[str, int | None]:
    usage = exchange.response.usage if exchange.response else None
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    return {name: getattr(usage, name) if usage else None for name in names}


def _lines(before: Exchange, after: Exchange, diff: RequestDiff) -> Iterator[str]:
    yield f"- {before.id}  {before.started_at:%Y-%m-%d %H:%M:%S}  {visible(before.model or '?')}"
    yield f"+ {after.id}  {after.started_at:%Y-%m-%d %H:%M:%S}  {visible(after.model or '?')}"
    counts = (f"{diff.count(kind):,} {kind.value}" for kind in Kind)
    yield f"texts: {', '.join(counts)}"
    yield from map(_value, diff.values)
    yield ""
    yield from _cache(before, after, diff)
    for change in diff.changes:
        if change.kind is not Kind.SAME:
            yield from _change(change)


def _value(value: Value) -> str:
    return f"{visible(value.name)}: {_short(value.before)} → {_short(value.after)}"


def _short(value: Json) -> str:
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"


def _cache(before: Exchange, after: Exchange, diff: RequestDiff) -> Iterator[str]:
    if before.model != after.model:
        yield "prompt cache: another model has none of it"
    elif diff.breaks is None:
        yield "prompt cache: not broken, one prompt is the beginning of the other"
    else:
        yield f"prompt cache: broken {_where(diff.breaks)}"
    for mark, usage in (("-", _usage(before)), ("+", _usage(after))):
        yield (
            f"{mark} {count(usage['cache_read_tokens'])} tokens read from the cache and"
            f" {count(usage['cache_write_tokens'])} written, of {count(usage['input_tokens'])} in all"
        )


def _where(breaks: Break) -> str:
    segment = breaks.after or breaks.before
    at = f" {visible(segment.path)}" if segment else ""
    return (
        f"in {breaks.group.value} at{at}: {breaks.kept:,} texts"
        f" ({breaks.kept_characters:,} characters) before it are alike"
    )


def _change(change: Change) -> Iterator[str]:
    segment = change.after or change.before
    assert segment is not None
    yield ""
    yield f"{_MARKS[change.kind]} {change.group.value}  {segment.part.value}  {visible(segment.path)}"
    lines = list(_difference(change.before, change.after))
    yield from lines[:_MOST_SHOWN]
    if len(lines) > _MOST_SHOWN:
        yield f"  … {len(lines) - _MOST_SHOWN:,} more lines (--json has the texts)"


def _difference(before: Segment | None, after: Segment | None) -> Iterator[str]:
    """Lines with `-`, `+` or a blank before them."""
    old, new = _text_lines(before), _text_lines(after)
    if max(len(old), len(new)) > _MOST_COMPARED:
        yield f"  {len(old):,} lines → {len(new):,} lines, too many to compare"
        return
    found = list(unified_diff(old, new, lineterm="", n=2))[2:]  # without its heading
    if not found:
        yield "  the texts as they are kept are alike: what was masked in them is not"
    for line in found:
        yield f"  {visible(line[:_LONGEST_LINE])}{'…' if len(line) > _LONGEST_LINE else ''}"


def _text_lines(segment: Segment | None) -> list[str]:
    """A text's lines; JSON, as tools are described, with a line for each value."""
    text = segment.text if segment else ""
    if text.startswith(("{", "[")):
        with suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    return text.splitlines()

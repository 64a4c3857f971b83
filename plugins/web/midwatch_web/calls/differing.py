"""What a call's request changed against another's, its conversation's earlier one above all; as a page and as JSON."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import (
    Exchange,
    Kind,
    ToldChange,
    cache_told,
    cache_usage,
    diff_document,
    diff_exchanges,
    short_json,
    told_changes,
)
from midwatch_web.calls.copies import exchange_of
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import queries_of
from midwatch_web.serving.templating import page

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1")

# What a page holds: texts that changed, lines of each, characters of a line. The REST API has all of it.
_MOST_CHANGES, _MOST_LINES, _LONGEST_LINE = 200, 120, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a difference: `kind` is same, added, removed or place."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A text that changed, with as many of its lines as there is room for."""

    change: ToldChange
    lines: tuple[Line, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffView:
    """The page's view; without a `before` there is nothing to compare with."""

    before: Exchange | None
    after: Exchange
    counts: tuple[tuple[str, int], ...] = ()
    values: tuple[tuple[str, str, str], ...] = ()
    changes: tuple[ChangeView, ...] = ()
    left_out: int = 0
    cache: str = ""
    usages: tuple[tuple[str, dict[str, int | None]], ...] = ()


@pages.get("/exchanges/{exchange_id}/diff")
async def diff_page(request: Request, exchange_id: str, against: str | None = None) -> Response:
    """The page; `against` is an exchange's id, else the one that this one goes on from."""
    before, after = await _pair(request, exchange_id, against)
    view = await asyncio.to_thread(_view, before, after)
    return page(request, "calls/diff.html", view=view)


@api.get("/exchanges/{exchange_id}/diff")
async def diff_json(request: Request, exchange_id: str, against: str | None = None) -> Response:
    """What the request changed `against` another exchange's, else against the one it goes on from.

    `before` is null where there is none to compare with. `cache` tells whether the provider's prompt cache held.
    """
    before, after = await _pair(request, exchange_id, against)
    if before is None:
        return json_answer({"before": None, "after": after.id, "values": [], "changes": [], "same": 0, "cache": None})
    diff = await asyncio.to_thread(diff_exchanges, before, after)
    return json_answer(diff_document(before, after, diff))


async def _pair(request: Request, exchange_id: str, against: str | None) -> tuple[Exchange | None, Exchange]:
    after = await exchange_of(request, exchange_id)
    parent = after.thread.parent_id if after.thread else None
    before = await queries_of(request).exchange(wanted) if (wanted := against or parent) else None
    if against and before is None:
        raise HTTPException(404, "There is no such exchange to compare with.")
    return before, after


def _view(before: Exchange | None, after: Exchange) -> DiffView:
    if before is None:
        return DiffView(before=None, after=after)
    diff = diff_exchanges(before, after)
    changes = list(told_changes(diff))
    return DiffView(
        before=before,
        after=after,
        counts=tuple((kind.value, diff.count(kind)) for kind in Kind),
        values=tuple((item.name, short_json(item.before), short_json(item.after)) for item in diff.values),
        changes=tuple(map(_change, changes[:_MOST_CHANGES])),
        left_out=len(changes[_MOST_CHANGES:]),
        cache=cache_told(before, after, diff),
        usages=(("Before", cache_usage(before)), ("After", cache_usage(after))),
    )


def _change(change: ToldChange) -> ChangeView:
    lines = tuple(_lines(change.lines[:_MOST_LINES]))
    return ChangeView(change=change, lines=lines, left_out=len(change.lines[_MOST_LINES:]))


def _lines(lines: tuple[str, ...]) -> Iterator[Line]:
    kinds = {"+": "added", "-": "removed", "@": "place"}
    for line in lines:
        cut = "…" if len(line) > _LONGEST_LINE else ""
        yield Line(kind=kinds.get(line[:1], "same"), text=line[:_LONGEST_LINE] + cut)

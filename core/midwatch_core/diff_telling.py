"""What `request_diff` found, in words and lines for people and as a document for programs."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from difflib import unified_diff

from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Segment
from midwatch_core.request_diff import Change, Kind, RequestDiff, diff_requests

# Lines of a text that are compared, and over all texts of two requests: comparing takes the square of both at worst.
_MOST_COMPARED, _MOST_COMPARED_IN_ALL = 1000, 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldChange:
    """A text that changed: `lines` have `-`, `+` or a blank before them; a heading of a place begins with `@@`."""

    kind: Kind
    group: str
    part: str
    path: str
    lines: tuple[str, ...]


def diff_exchanges(before: Exchange, after: Exchange) -> RequestDiff:
    """Compare the requests of two exchanges; of one tenant's, what masking made alike is told apart by its hash."""
    same_tenant = before.identity.tenant == after.identity.tenant
    return diff_requests(before.request, after.request, by_hash=same_tenant)


def diff_document(before: Exchange, after: Exchange, diff: RequestDiff) -> dict[str, object]:
    """The difference as JSON values: `values`, `changes`, how many texts are the `same`, and the `cache`."""
    return {
        "before": before.id,
        "after": after.id,
        "values": [asdict(value) for value in diff.values],
        "changes": [asdict(change) for change in diff.changes if change.kind is not Kind.SAME],
        "same": diff.count(Kind.SAME),
        "cache": {
            "broken": None if diff.breaks is None else asdict(diff.breaks),
            "before": cache_usage(before),
            "after": cache_usage(after),
        },
    }


def cache_usage(exchange: Exchange) -> dict[str, int | None]:
    """What the prompt cache did for a call, by the provider's own count."""
    usage = exchange.response.usage if exchange.response else None
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    return {name: getattr(usage, name) if usage else None for name in names}


def cache_told(before: Exchange, after: Exchange, diff: RequestDiff) -> str:
    """Whether the provider's prompt cache held, and if not, which text broke it."""
    if before.model != after.model:
        return "another model has none of it"
    if (breaks := diff.breaks) is None:
        return "not broken, one prompt is the beginning of the other"
    segment = breaks.after or breaks.before
    at = f" {segment.path}" if segment else ""
    return (
        f"broken in {breaks.group.value} at{at}: {breaks.kept:,} texts"
        f" ({breaks.kept_characters:,} characters) before it are alike"
    )


def told_changes(diff: RequestDiff) -> Iterator[ToldChange]:
    """The texts that changed, with their lines; once too many were compared, later ones are only counted."""
    left = _MOST_COMPARED_IN_ALL
    for change in diff.changes:
        if change.kind is Kind.SAME:
            continue
        old, new = _text_lines(change.before), _text_lines(change.after)
        left -= max(len(old), len(new))
        yield _told(change, tuple(_difference(old, new, room=left)))


def _told(change: Change, lines: tuple[str, ...]) -> ToldChange:
    segment = change.after or change.before
    assert segment is not None
    return ToldChange(
        kind=change.kind, group=change.group.value, part=segment.part.value, path=segment.path, lines=lines
    )


def _difference(old: list[str], new: list[str], *, room: int) -> Iterator[str]:
    if room < 0 or max(len(old), len(new)) > _MOST_COMPARED:
        yield f" {len(old):,} lines → {len(new):,} lines, too many to compare"
        return
    found = list(unified_diff(old, new, lineterm="", n=2))[2:]  # without its heading
    if not found:
        yield " the texts as they are kept are alike: what was masked in them is not"
    yield from found


def _text_lines(segment: Segment | None) -> list[str]:
    """A text's lines; JSON, as tools are described, with a line for each value."""
    text = segment.text if segment else ""
    if text.startswith(("{", "[")):
        with suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    return text.splitlines()


def short_json(value: Json, most: int = 200) -> str:
    """A value in a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[:most]}…"

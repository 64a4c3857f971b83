"""An exchange taken apart for keeping, and put together again: its detail, its texts, its long lists in blocks.

The detail is a JSON document: `exchange` without its segments and long lists, and `lists`, which says for each list
taken out where it belongs (keys from the exchange down), what it is, and its levels (see `folding`). They stand
beside the document and not in it, so that nothing a client writes into a body can be taken for one of our marks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from midwatch_core import (
    Activity,
    Exchange,
    ExchangeRow,
    FindingRow,
    Json,
    Part,
    Request,
    Response,
    Segment,
    activity_of,
    dump_json,
    finding_rows,
    load_json,
    row_of,
)
from midwatch_sql.folding import BLOCK, Levels, Piece, PieceKind, Pieces, fold, levels_children, piece_hash, unfold

if TYPE_CHECKING:
    from midwatch_core import FrameDecoder

# How deep in a body long lists are looked for: a WebSocket message wraps its request once.
_DEPTH = 3
_PARTS = {part.value: part for part in Part}

type _Lists = list[tuple[list[str], PieceKind, Levels]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenApart:
    """An exchange ready to be kept. `children` are the pieces that it refers to itself, `pieces` all of them."""

    row: ExchangeRow
    activity: Activity
    findings: tuple[FindingRow, ...]
    detail: bytes
    children: frozenset[str]
    pieces: Mapping[str, Piece]


def take_apart(exchange: Exchange) -> TakenApart:
    """The parts of an exchange. Raises TypeError, ValueError, RecursionError for values JSON can't hold."""
    pieces: Pieces = {}
    lists: _Lists = []
    request = _without_lists("request", exchange.request, pieces, lists)
    response = exchange.response and _without_lists("response", exchange.response, pieces, lists)
    if len(request.tools) >= BLOCK:
        lists.append((["request", "tools"], PieceKind.ITEMS, fold(request.tools, PieceKind.ITEMS, pieces)))
        request = replace(request, tools=())
    if len(request.tool_results) >= BLOCK:
        results = [asdict(result) for result in request.tool_results]
        lists.append((["request", "tool_results"], PieceKind.ITEMS, fold(results, PieceKind.ITEMS, pieces)))
        request = replace(request, tool_results=())
    bare = replace(exchange, request=request, response=response)
    children = frozenset[str]().union(*(levels_children(levels, kind) for _, kind, levels in lists))
    detail = dump_json({"exchange": bare, "lists": lists})
    return TakenApart(
        row=row_of(exchange),
        activity=activity_of(exchange),
        findings=tuple(finding_rows(exchange)),
        detail=detail,
        children=children,
        pieces=pieces,
    )


def _without_lists[Side: (Request, Response)](name: str, side: Side, pieces: Pieces, lists: _Lists) -> Side:
    entries = [[item.part, item.path, item.hash, _text(item.text, pieces)] for item in side.segments]
    if entries:
        lists.append(([name, "segments"], PieceKind.ENTRIES, fold(entries, PieceKind.ENTRIES, pieces)))
    body = _without_long_lists(side.body, [name, "body"], pieces, lists)
    return replace(side, segments=(), body=body)


def _text(text: str, pieces: Pieces) -> str:
    body = text.encode()
    key = piece_hash(PieceKind.TEXT, body)
    pieces[key] = Piece(PieceKind.TEXT, body)
    return key


def _without_long_lists(value: Json, place: list[str], pieces: Pieces, lists: _Lists) -> Json:
    if isinstance(value, list) and len(value) >= BLOCK:
        lists.append((place, PieceKind.ITEMS, fold(value, PieceKind.ITEMS, pieces)))
        return None
    if isinstance(value, dict) and len(place) < 2 + _DEPTH:
        return {key: _without_long_lists(item, [*place, key], pieces, lists) for key, item in value.items()}
    return value


def detail_children(detail: bytes) -> frozenset[str]:
    """The pieces that the exchange of this detail refers to itself."""
    lists = load_json(detail)["lists"]
    return frozenset[str]().union(*(levels_children(levels, PieceKind(kind)) for _, kind, levels in lists))


def entry_levels(detail: bytes) -> list[Levels]:
    """The levels of the lists of segments, of request and response. Raises ValueError, KeyError for a damaged one."""
    return [levels for _, kind, levels in load_json(detail)["lists"] if kind == PieceKind.ENTRIES]


def put_together(
    detail: bytes, read: Callable[[Iterable[str]], Mapping[str, bytes]], frames: "FrameDecoder"
) -> Exchange:
    """The exchange of a detail; `read` gives the bodies of pieces. Raises KeyError for a missing one, FrameError."""
    document = load_json(detail)
    exchange = document["exchange"]
    for place, kind, levels in document["lists"]:
        items: Sequence[Any] = unfold(levels, read)
        if kind == PieceKind.ENTRIES:
            items = _segments(items, read)
        holder = exchange
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = items
    return _restored(exchange, frames)


def _restored(document: dict[str, Any], frames: "FrameDecoder") -> Exchange:
    """The bodies are whatever JSON they were: validators would only walk through them."""
    sides = {side: document[side] for side in ("request", "response") if isinstance(document[side], dict)}
    bodies = {side: content.pop("body", None) for side, content in sides.items()}
    exchange = frames.restore(document)
    whole = {side: replace(getattr(exchange, side), body=body) for side, body in bodies.items()}
    return replace(exchange, **whole)


def _segments(entries: Sequence[Any], read: Callable[[Iterable[str]], Mapping[str, bytes]]) -> list[Segment]:
    """Made here, not by the frame's validators: a long talk has a thousand."""
    texts = read({entry[3] for entry in entries})
    return [
        Segment(part=_PARTS[part], path=path, hash=own_hash, text=texts[key].decode())
        for part, path, own_hash, key in entries
    ]

"""Long lists cut into blocks that are kept once: the n-th turn of a conversation adds its own items, not all n.

A list is cut into blocks of 8 from its beginning. The list of the blocks' hashes is cut the same way, and so on: a
tree, as in Git, whose inner nodes are shared by every list that begins alike. What an exchange itself holds is the
`levels`: the items that fill no block yet, then the hashes of whole blocks that fill no block of hashes yet, ….
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from midwatch_core import dump_json, load_json

BLOCK = 8


class PieceKind(IntEnum):
    """What a piece is. ENTRIES: segments as [part, path, hash, text's piece]. HASHES: of other blocks."""

    TEXT = 0
    ITEMS = 1
    ENTRIES = 2
    HASHES = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A text or a block, as bytes, with the hashes of the pieces it refers to."""

    kind: PieceKind
    body: bytes
    children: frozenset[str] = frozenset()


type Pieces = dict[str, Piece]
type Levels = list[list[Any]]


def piece_hash(kind: PieceKind, body: bytes) -> str:
    """22 characters (128 bits) for what is kept; texts and blocks never share one.

    Not the segment's own hash: that is over the original text, and two policies may mask one text in two ways.
    """
    digest = hashlib.blake2b(body, digest_size=16, person=kind.name.encode()).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode()


def children_of(kind: PieceKind, items: Sequence[Any]) -> frozenset[str]:
    """The hashes of the pieces that these items refer to."""
    if kind is PieceKind.HASHES:
        return frozenset(items)
    if kind is PieceKind.ENTRIES:
        return frozenset(entry[3] for entry in items)
    return frozenset()


def block_children(kind: PieceKind, body: bytes) -> frozenset[str]:
    """The same, of a piece as it is kept."""
    return children_of(kind, load_json(body)) if kind in (PieceKind.HASHES, PieceKind.ENTRIES) else frozenset()


def fold(items: Sequence[Any], kind: PieceKind, pieces: Pieces) -> Levels:
    """The levels of a list; its blocks are added to `pieces`."""
    levels: Levels = []
    while True:
        whole = len(items) - len(items) % BLOCK
        levels.append(list(items[whole:]))
        if not whole:
            return levels
        items = [_block(items[start : start + BLOCK], kind, pieces) for start in range(0, whole, BLOCK)]
        kind = PieceKind.HASHES


def _block(items: Sequence[Any], kind: PieceKind, pieces: Pieces) -> str:
    body = dump_json(items)
    key = piece_hash(kind, body)
    if key not in pieces:
        pieces[key] = Piece(kind, body, children_of(kind, items))
    return key


def levels_children(levels: Levels, kind: PieceKind) -> frozenset[str]:
    """The hashes of the pieces that the holder of these levels refers to itself."""
    return children_of(kind, levels[0]).union(*levels[1:])


def unfold(levels: Levels, read: Callable[[Iterable[str]], Mapping[str, bytes]]) -> list[Any]:
    """The list of these levels; `read` gives the bodies of pieces, once a level."""
    items: list[Any] = []
    for level in reversed(levels):
        bodies = read(items) if items else {}
        items = [item for key in items for item in load_json(bodies[key])] + level
    return items

"""Decoding what stands for itself: base64, and bytes as hexadecimal or binary numbers."""

import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from midwatch_core.views.beginnings import URLSAFE
from midwatch_core.views.origins import Origin, Piece, Shifted, Strided, Through
from midwatch_core.views.plausible import words
from midwatch_core.views.subject import Run, Subject

_HEX = re.compile(rb"(?:0[xX])?((?:[0-9a-fA-F]{2})++)")
_BITS = re.compile(rb"(?:[01]{8})++")


class Layout(NamedTuple):
    """`unit` bytes are written as `width` characters, the next ones `step` further on, the first ones at `start`."""

    start: int
    unit: int
    step: int
    width: int


type _Decoded = tuple[bytes, Layout] | None


def base64(subject: Subject) -> Iterator[Piece]:
    """Standard, URL-safe, without padding, over several lines."""
    return _decode_runs(subject, _base64)


def hexadecimal(subject: Subject) -> Iterator[Piece]:
    """Digits in one run, as a digest is written; also of two: bytes as eight zeros and ones."""
    return _decode_runs(subject, _digits)


def _decode_runs(subject: Subject, decode: Callable[[bytes], _Decoded]) -> Iterator[Piece]:
    for readings in subject.runs:
        decoded = ([piece for run in reading if (piece := _piece(run, decode))] for reading in readings)
        yield from next(filter(None, decoded), ())


def _piece(run: Run, decode: Callable[[bytes], _Decoded]) -> Piece | None:
    decoded = decode(run.data)
    return decoded and made(*decoded, end=run.end, origin=run.origin)


def made(data: bytes, layout: Layout, *, end: int, origin: Origin) -> Piece | None:
    """The piece that bytes are, if they are text; `end` is where their last group is over, `origin` leads on."""
    said = words(data)
    if said is None:
        return None
    start, unit, step, width = layout
    strided = Strided(text=said.text, encoding=said.encoding, start=start, end=end, unit=unit, step=step, width=width)
    return Piece(said.text, Through(strided, origin))


def _base64(run: bytes) -> _Decoded:
    whole = run[:-1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(whole.translate(URLSAFE) + b"=="), Layout(0, 3, 4, 4)


def _digits(run: bytes) -> _Decoded:
    found = _HEX.fullmatch(run)
    if found is None:
        return None
    if _BITS.fullmatch(run):
        return _from_bits(run), Layout(0, 1, 8, 8)
    return binascii.unhexlify(found[1]), Layout(found.start(1), 1, 2, 2)


def _from_bits(bits: bytes) -> bytes:
    return int(bits, 2).to_bytes(len(bits) // 8)


# Bytes apart: 69 67 6e, 69:67:6e, 6967 6e6f, 0x69, 0x67, 01101001 01100111.
GROUPS = (
    r"\b[0-9a-fA-F]{2}(?:(?:[ :,-]|, )[0-9a-fA-F]{2}){9}|\b[0-9a-fA-F]{4}(?: [0-9a-fA-F]{4}){4}"
    r"|0[xX][0-9a-fA-F]{2}(?:[ ,]{1,2}0[xX][0-9a-fA-F]{2}){9}|\b[01]{8}(?:[ ,-][01]{8}){9}"
)
_APART = re.compile(
    rb"\b(?:[01]{8}(?=([ ,-]))(?:\1[01]{8}){9,}+|0[xX][0-9a-fA-F]{2}(?=([ ,]{1,2}))(?:\2\b0[xX][0-9a-fA-F]{2}){9,}+"
    rb"|[0-9a-fA-F]{2}(?=(, |[ :,-]))(?:\3[0-9a-fA-F]{2}){9,}+|[0-9a-fA-F]{4}(?=( ))(?: [0-9a-fA-F]{4}){4,}+)"
)


def groups(subject: Subject) -> Iterator[Piece]:
    """Bytes written one by one, or two by two, all apart in the same way."""
    for found in _APART.finditer(subject.raw):
        between = next(filter(None, found.groups()))
        piece = made(*_apart(found[0], between), end=len(found[0]), origin=Shifted(found.start()))
        if piece is not None:
            yield piece


def _apart(run: bytes, between: bytes) -> tuple[bytes, Layout]:
    width = run.index(between)
    step = width + len(between)
    joined = run.replace(between, b"")
    if width == 8:
        return _from_bits(joined), Layout(0, 1, step, width)
    if width == 4 and run[1:2] in b"xX":
        return binascii.unhexlify(joined.lower().replace(b"0x", b"")), Layout(0, 1, step, width)
    return binascii.unhexlify(joined), Layout(0, width // 2, step, width)

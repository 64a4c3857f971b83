"""One pass of all recognisers over a text: candidates, their checks, the words near them, and who wins an overlap."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from midwatch_core import Presence
from midwatch_pii.labels import Labels, Places
from midwatch_pii.recogniser import Recogniser
from midwatch_pii.spans import spans

# How far behind a window's last beginning a value may still go on.
_LONGEST_VALUE = 80
# RFC 5321 allows for 64 and 255 characters on the two sides of the sign.
_AT = "@"
_LONGEST_ADDRESS = 320
_JOINTS = frozenset("-./")


@dataclass(frozen=True, slots=True)
class Hit:
    """A value found: code points of the text scanned, and how sure."""

    recogniser: Recogniser
    start: int
    end: int
    confidence: float


class Scanner:
    """Applies recognisers. Holds compiled patterns only: one serves all threads and texts."""

    def __init__(self, recognisers: Iterable[Recogniser]) -> None:
        self._recognisers = tuple(recognisers)
        options = re2.Options()
        options.log_errors = False
        self._patterns = [re2.compile(one.pattern, options) for one in self._recognisers]
        owners: dict[str, list[int]] = {}
        for number, one in enumerate(self._recognisers):
            for label in one.labels:
                owners.setdefault(label, []).append(number)
        self._labels = Labels(owners)
        self._unlabelled = [number for number, one in enumerate(self._recognisers) if one.alone]
        self._presence = Presence([self._recognisers[number].pattern for number in self._unlabelled])

    def scan(self, text: str) -> list[Hit]:
        """All values in a text in order, none overlapping another."""
        text = _readable(text)
        digits = any(map(text.__contains__, "0123456789"))
        if not digits and "@" not in text and "<" not in text:
            return []
        places = self._labels.find(text) if digits else {}
        absent = self._absent(text)
        hits: list[Hit] = []
        for number, one in enumerate(self._recognisers):
            near = places.get(number)
            if number in absent:
                continue
            if not (one.alone or near) or (one.marks and not any(mark in text for mark in one.marks)):
                continue
            if not digits and not one.inside and one.marks != "<":
                continue
            hits.extend(self._found(number, text, near))
        return settle(hits)

    def _absent(self, text: str) -> set[int]:
        """Recognisers tried on all texts that one pass of all finds not to match in this one."""
        present = self._presence.present(text.encode())
        if present is None:
            return set()
        return {number for at, number in enumerate(self._unlabelled) if at not in present}

    def _found(self, number: int, text: str, near: Places | None) -> Iterator[Hit]:
        one = self._recognisers[number]
        for start, candidate in self._candidates(number, text, near):
            size = one.accept(candidate)
            end = start + size
            if not size or not (outside_authority(text, start) if one.inside else stands_alone(text, start, end)):
                continue
            announced = near is not None and near.announce(start, end, one.within, one.before)
            confidence = one.near if announced else one.alone
            if confidence:
                yield Hit(one, start, end, confidence)

    def _candidates(self, number: int, text: str, near: Places | None) -> Iterator[tuple[int, str]]:
        """Matches in the whole text, or only around the sign or behind labels where one is needed."""
        one, pattern = self._recognisers[number], self._patterns[number]
        if one.marks == _AT:
            for first, last in around(text, _AT):
                yield from _matches(pattern, text[first:last], first)
            return
        if one.alone:
            yield from _matches(pattern, text, 0)
            return
        for first, last in near.windows(one.within, one.before) if near else ():
            yield from _matches(pattern, text[first : last + _LONGEST_VALUE], first)


def _readable(text: str) -> str:
    """The text, as long as before, without halves of surrogate pairs: JSON can bring them, UTF-8 has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def around(text: str, sign: str) -> Iterator[tuple[int, int]]:
    """The stretches around a sign, those that meet as one: a pattern that may begin anywhere is slow elsewhere."""
    first, last = 0, -1
    at = text.find(sign)
    while at >= 0:
        if at - _LONGEST_ADDRESS > last:
            if last >= 0:
                yield first, last
            first = max(0, at - _LONGEST_ADDRESS)
        last = at + _LONGEST_ADDRESS
        at = text.find(sign, at + 1)
    if last >= 0:
        yield first, last


def _matches(pattern: Any, text: str, offset: int) -> Iterator[tuple[int, str]]:
    for start, end in spans(pattern, text):
        yield offset + start, text[start:end]


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a value is no piece of a longer number, name, UUID or path."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before and (before[-1].isalnum() or before[-1] == "_" or (before[-1] in _JOINTS and _joined(before[0], before))):
        return False
    if after and (after[0].isalnum() or after[0] == "_"):
        return False
    return not (len(after) == 2 and after[0] in _JOINTS and after[1].isdigit())


def outside_authority(text: str, start: int) -> bool:
    """Whether what stands before an address of mail is no URL's beginning: `https://user:pa!ss@host` has no mail."""
    before = text[max(0, start - 100) : start]
    word = before.split()[-1] if before and not before[-1].isspace() else ""
    return "://" not in word or "/" in word.rpartition("://")[2]


def _joined(first: str, before: str) -> bool:
    """Whether a joint before a value ties it to what stands before the joint."""
    if len(before) < 2:
        return False
    return first.isalnum() if before[-1] == "-" else first.isdigit() and before[-1] in "./"


def settle(hits: Sequence[Hit]) -> list[Hit]:
    """Of overlapping hits the surer one stays, then the longer; in the text's order."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda one: (one.start, -one.end)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
        elif (hit.confidence, hit.end - hit.start) > (kept[-1].confidence, kept[-1].end - kept[-1].start):
            kept[-1] = hit
    return kept

"""Texts in, entities out: the same for every backend, which only judges the tokens of one stretch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from midwatch_core import Json, ModelCard
from midwatch_pii.ner.finding import entities_of
from midwatch_pii.ner.loading.wish import Wish
from midwatch_pii.ner.meanings import columns
from midwatch_pii.ner.stretches import Stretch, chosen, readable, stretches
from midwatch_pii.ner.words import MEANINGS, Token, words_of

# For each token its labels' shares, which add up to 1.
type Shares = Callable[[Sequence[int]], Sequence[Sequence[float]]]

_DIGITS = 4
# Loading ends with a first look at this: what can't be run is told then, and the first text is no slower.
_PROBE = "Write to Jane Roe, 12 Oak Street, Springfield."


class Reading:
    """A loaded model. Stretches are judged one by one.

    In a batch a quantised model's answers hang on the neighbours, and one thread gains nothing by them.
    """

    def __init__(self, wish: Wish, *, tokenizer: Any, shares: Shares, positions: int, card: ModelCard) -> None:
        """Raises what `shares` raises for a first text."""
        self.card = card
        self._wish = wish
        self._tokenizer = tokenizer
        self._shares = shares
        self._positions = positions
        found = columns(card.labels)
        self._columns = [found.get(meaning, ()) for meaning in MEANINGS]
        self.run([_PROBE])

    def run(self, texts: Sequence[str]) -> list[Json]:
        """`{"entities": [[kind, start, end, score], …], "skipped": code points that were not read}` a text."""
        return [self._answer(readable(text)) for text in texts]

    def _answer(self, text: str) -> Json:
        all_ = stretches(text)
        read = chosen(all_, self._wish.max_stretches)
        words = words_of(text, (token for stretch in read for token in self._tokens(text, stretch)))
        found = entities_of(text, words, self._wish.least)
        return {
            "entities": [[one.kind.value, one.start, one.end, round(one.score, _DIGITS)] for one in found],
            "skipped": sum(end - start for start, end in set(all_) - set(read)),
        }

    def _tokens(self, text: str, stretch: Stretch) -> Iterator[Token]:
        """The tokens of a stretch; of one that is too long for the model, which dense scripts can be, of its halves."""
        start, end = stretch
        encoding = self._tokenizer.encode(text[start:end])
        ids: list[int] = encoding.ids
        if len(ids) > self._positions and end - start > 1:
            middle = (start + end) // 2
            yield from self._tokens(text, (start, middle))
            yield from self._tokens(text, (middle, end))
            return
        shares = self._shares(ids[: self._positions])
        marks: list[int] = encoding.special_tokens_mask
        for at, (mark, (first, last), row) in enumerate(zip(marks, encoding.offsets, shares, strict=False)):
            if not mark:
                depth = min(at, len(ids) - at)
                meant = tuple(sum(row[column] for column in columns_) for columns_ in self._columns)
                yield Token(start + first, start + last, meant, depth)

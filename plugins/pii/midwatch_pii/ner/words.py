"""Words with what a model holds them for: subwords joined again, windows that overlap settled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midwatch_pii.ner.meanings import Meaning

MEANINGS = tuple(Meaning)
# Han and kana: no blank parts words there, so each token is one.
_FIRST_UNSPACED, _LAST = "\u2e80", "\u9fff"


@dataclass(frozen=True, slots=True)
class Token:
    """A subword: code points of the text, a share for each of `MEANINGS`, and how far inside its window it stands."""

    start: int
    end: int
    shares: tuple[float, ...]
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """Letters and digits that no blank or sign parts, and how likely they are (a piece of) what."""

    start: int
    end: int
    shares: tuple[float, ...]

    def share(self, *meanings: Meaning) -> float:
        """How likely the word is one of these."""
        return sum(self.shares[MEANINGS.index(meaning)] for meaning in meanings)


def words_of(text: str, tokens: Iterable[Token]) -> list[Word]:
    """The words of a text in order; a word is what its subwords are on average."""
    words: list[Word] = []
    pieces: list[Token] = []
    for token in _settled(tokens):
        if pieces and not _go_on(text, pieces[-1], token):
            words.append(_word(pieces))
            pieces = []
        pieces.append(token)
    return [*words, _word(pieces)] if pieces else words


def _settled(tokens: Iterable[Token]) -> list[Token]:
    """Where windows overlap, the token that has more around it."""
    kept: dict[int, Token] = {}
    for token in tokens:
        if token.end > token.start and ((other := kept.get(token.start)) is None or token.depth > other.depth):
            kept[token.start] = token
    return [kept[start] for start in sorted(kept)]


def _go_on(text: str, last: Token, token: Token) -> bool:
    inner = (text[last.end - 1], text[token.start])
    return last.end >= token.start and all(char.isalnum() and not _FIRST_UNSPACED <= char <= _LAST for char in inner)


def _word(pieces: Sequence[Token]) -> Word:
    shares = tuple(sum(column) / len(pieces) for column in zip(*(piece.shares for piece in pieces), strict=True))
    return Word(pieces[0].start, max(piece.end for piece in pieces), shares)

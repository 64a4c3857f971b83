"""What labels mean, and how subwords and windows become words."""

import pytest

from midwatch_pii.ner.meanings import Meaning, columns, meaning_of
from midwatch_pii.ner.words import MEANINGS, Token, Word, words_of


def shares(name: float) -> tuple[float, ...]:
    return tuple(name * (meaning is Meaning.NAME) for meaning in MEANINGS)


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("B-GIVEN_NAME", Meaning.NAME),
        ("I-SURNAME", Meaning.NAME),
        ("B-PER", Meaning.NAME),
        ("L-PERSON", Meaning.NAME),
        ("firstname", Meaning.NAME),
        ("B-LOC", Meaning.PLACE),
        ("S-GPE", Meaning.PLACE),
        ("I-CITY", Meaning.PLACE),
        ("B-STREET_NAME", Meaning.STREET),
        ("BUILDING_NUMBER", Meaning.NUMBER),
        ("B-SECONDARY_ADDRESS", Meaning.UNIT),
        ("E-ZIP_CODE", Meaning.CODE),
        ("STREET_ADDRESS", Meaning.ADDRESS),
        ("O", None),
        ("B-ORG", None),
        ("LABEL_1", None),
        ("", None),
    ],
)
def test_a_label_means_the_same_in_all_spellings(label: str, meaning: Meaning | None) -> None:
    assert meaning_of(label) is meaning


def test_a_meaning_is_found_in_all_its_columns() -> None:
    assert columns(["O", "B-PER", "I-PER", "B-MISC", "B-LOC"]) == {Meaning.NAME: (1, 2), Meaning.PLACE: (4,)}
    assert columns(["safe", "injection"]) == {}


def test_subwords_are_one_word_that_is_what_they_are_on_average() -> None:
    tokens = [Token(0, 4, shares(1.0)), Token(5, 8, shares(0.5)), Token(8, 12, shares(0.9))]
    assert words_of("Jane Roebling", tokens) == [Word(0, 4, shares(1.0)), Word(5, 12, shares(0.7))]


def test_signs_part_words() -> None:
    tokens = [Token(0, 1, shares(1)), Token(1, 2, shares(0)), Token(2, 7, shares(1)), Token(7, 8, shares(0))]
    assert [(word.start, word.end) for word in words_of("O'Brien.", tokens)] == [(0, 1), (1, 2), (2, 7), (7, 8)]


def test_where_no_blanks_part_words_each_token_is_one() -> None:
    tokens = [Token(0, 1, shares(1)), Token(1, 2, shares(1)), Token(2, 4, shares(0)), Token(4, 8, shares(1))]
    assert [(word.start, word.end) for word in words_of("山田さんJane", tokens)] == [(0, 1), (1, 2), (2, 4), (4, 8)]


def test_where_windows_overlap_the_one_that_sees_more_is_believed() -> None:
    edge, inside = Token(0, 4, shares(0.1), depth=0), Token(0, 4, shares(0.9), depth=7)
    for tokens in ([edge, inside], [inside, edge]):
        (word,) = words_of("Jane", tokens)
        assert word.share(Meaning.NAME) == pytest.approx(0.9)


def test_tokens_of_nothing_are_no_words() -> None:
    assert words_of("Jane", [Token(0, 0, shares(1.0)), Token(4, 4, shares(1.0))]) == []
    assert words_of("", []) == []


def test_a_word_is_several_things_together() -> None:
    word = Word(0, 3, tuple(0.1 for _ in MEANINGS))
    assert word.share(Meaning.NAME, Meaning.PLACE) == pytest.approx(0.2)

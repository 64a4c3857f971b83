"""From judged words to entities: what is joined, and what is written as no name is."""

import pytest

from midwatch_pii.ner.entities import Entity, Kind
from midwatch_pii.ner.finding import entities_of
from tests.plugins.pii.marked import marked

LEAST = dict.fromkeys(Kind, 0.5)


def found(line: str) -> list[tuple[str, str]]:
    text, words = marked(line)
    return [(one.kind.value, text[one.start : one.end]) for one in entities_of(text, words, LEAST)]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Ask [Jane](name) [Roe](name) about it", "Jane Roe"),
        ("Ask [Jane](name .3) [Roe](name) about it", "Jane Roe"),
        ("[Sean](name) [O](name)'[Brien](name)", "Sean O'Brien"),
        ("[Guido](name) [van](name) [Rossum](name)", "Guido van Rossum"),
        ("[Amy](name)-[leigh](name) called", "Amy-leigh"),
        ("[J](name). [Roe](name)", "J. Roe"),
        ("[Ewan](name) [McGregor](name)", "Ewan McGregor"),
        ("[HENRY](name) [SPENCER](name) BE LIABLE", "HENRY SPENCER"),
        ("ask [jane](name) [roe](name) about it please", "jane roe"),
        ('"says": "[Jane](name) [Roe](name)"', "Jane Roe"),
        ("联系[山田](name)", "山田"),
        ("[山](name)[田](name .3)さん", "山田"),
        ("[山田太郎さんに連絡して](name)", None),
        ("[Jane](name)'s car", "Jane"),
        ("Dr. [Roe](name)/home", None),
        ("the [Jane](name) [Roe](name) Ltd. office", None),
        ("ask [Jane](name .4) about it", None),
        ("[claude](name) said so, and that was all", None),
        ("type [JsonError](name)", None),
        ("type [SQLResult](name)", None),
        ("call [jane](name)_roe now", None),
        ("open /home/[Jane](name) now", None),
        ("call [Jane](name)(x)", None),
        ("see [Jane](name).roe", None),
        ("x = [jane](name)", None),
        ("[NASA](name) said", None),
        ("[J](name) said", None),
        ("[María](name) se fue, y [Ana](name .1) ab", "María"),
        ("let [Jane](name) know that it's done", "Jane"),
        ("import [Jane](name) into the CRM", "Jane"),
        ("ask [Jane](name) -> she knows", "Jane"),
        ("from typing import [Union](name)", None),
        ("import [Axis](name), Slots;", None),
        ("const [Axis](name) = 3", None),
        ("class [Axis](name):", None),
        ("def size(one: Slots) -> [Axis](name):", None),
        ("[Jane2](name)", None),
    ],
)
def test_a_name_is_what_is_written_as_one(line: str, name: str | None) -> None:
    assert found(line) == ([("PERSON", name)] if name else [])


def test_names_beside_one_another_are_two() -> None:
    assert found("[Jane](name), [Tom](name)\n[Ann](name) [Lee](name)") == [
        ("PERSON", "Jane"),
        ("PERSON", "Tom"),
        ("PERSON", "Ann Lee"),
    ]


def test_small_letters_count_in_a_paragraph_of_them_only() -> None:
    line = "I wrote it.\n\nplease ask [jane](name) about it\n\nfrom [asyncio](name)"
    assert found(line) == [("PERSON", "jane")]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (
            "at [12](number) [Oak](street) [Street](street), [Springfield](place), [IL](place) [62704](code).",
            "12 Oak Street, Springfield, IL 62704",
        ),
        (
            "> [12](number) [Oak](street) [Street](street)\n> [Suite](unit) [4](unit)\n> [Bonn](place)",
            "12 Oak Street\n> Suite 4\n> Bonn",
        ),
        ("at [12](number) Old [Oak](street) now", "12 Old Oak"),
        ("at [12](number) [184th](street) [Street](street)", "12 184th Street"),
        ("in [Lindenstraße](street) [7](number).", "Lindenstraße 7"),
        ("in [12](address) [Oak](address) [Street](address) now", "12 Oak Street"),
        ("in [Rose](address) [Cottage](address) now", "Rose Cottage"),
    ],
)
def test_pieces_of_an_address_are_one(line: str, address: str) -> None:
    assert found(line) == [("ADDRESS", address)]


@pytest.mark.parametrize(
    "line",
    [
        "on [Oak](street) [Street](street)",
        'the [25](number), "unit": "[C](place)"',
        "::= { id-[edwards](street)-curve [110](number) }",
        "lean-[stream](street)                [840](number) events",
        "the code is [62704](code)",
    ],
)
def test_a_street_without_a_number_and_figures_of_code_are_no_address(line: str) -> None:
    assert not [kind for kind, _ in found(line) if kind == "ADDRESS"]


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("in [San](place .3) [Francisco](place), [CA](place)", ["San Francisco, CA"]),
        ("[Paris](place) and [Rome](place)", ["Paris", "Rome"]),
        ("the [ONE](place) and [C](place)", []),
        ("a [neighbour](place) of Mine", []),
        ("[Novell](place), Inc", []),
    ],
)
def test_places_stand_alone(line: str, places: list[str]) -> None:
    assert found(line) == [("LOCATION", place) for place in places]


def test_nothing_is_found_twice_and_addresses_come_first() -> None:
    line = "[Jane](name) at [12](number) [Oak](street) [Road](street), [Bonn](place); [Rome](place)"
    assert found(line) == [("PERSON", "Jane"), ("ADDRESS", "12 Oak Road, Bonn"), ("LOCATION", "Rome")]


def test_kinds_not_asked_for_are_not_found() -> None:
    text, words = marked("[Jane](name) in [Rome](place)")
    assert entities_of(text, words, {Kind.LOCATION: 0.5}) == [Entity(Kind.LOCATION, 8, 12, 0.9)]
    assert entities_of(text, words, {Kind.LOCATION: 0.95}) == []

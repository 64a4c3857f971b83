"""Addresses in the forms of many countries; and figures that are none."""

import pytest

from midwatch_core import Part, Text
from midwatch_pii import Pii


def _addresses(text: str) -> list[str]:
    return [text[one.start : one.end] for one in Pii().inspect_text(Text(text), Part.USER) if one.kind == "ADDRESS"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("I live at 12 Oak Street, Springfield, IL 62704.", "12 Oak Street, Springfield, IL 62704"),
        ("Parcel for 221 Elm Grove Apt. 14 please", "221 Elm Grove Apt. 14"),
        ("77 Long Row\nSuite 30\nDover\nCanada 99123", "77 Long Row\nSuite 30\nDover\nCanada 99123"),
        ("> 9 Birkenallee 81\n> Suite 4\n> Bonn", "9 Birkenallee 81\n> Suite 4"),
        ("Sie wohnt in der Lindenstraße 7.", "Lindenstraße 7"),
        ("Wij zitten op Tulpstraat 19", "Tulpstraat 19"),
        ("Besök oss på Björkvägen 5", "Björkvägen 5"),
        ("Abitano in Via dei Tigli 23", "Via dei Tigli 23"),
        ("mieszka przy ul. Lipowa 8", "ul. Lipowa 8"),
        ("Venez au 14 bis rue des Tilleuls", "14 bis rue des Tilleuls"),
        ("My new address is 31 Orchard View 6", "31 Orchard View 6"),
        ("Send it to P.O. Box 4411", "P.O. Box 4411"),
        ("Postfach 1200 ist leer", "Postfach 1200"),
        ("PSC 12, Box 345\nAPO AE 09876", "PSC 12, Box 345\nAPO AE 09876"),
    ],
)
def test_finds_addresses(text: str, address: str) -> None:
    assert _addresses(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "We fixed 12 tests of the suite 5 times.",
        "Chapter 3 is on page 40.",
        "Version 3.2 of Platform 9 was released in May 2021.",
        "The IP address is 10 hops away.",
        "Meet me at gate 12 at 5 pm.",
        "There are 30 units in building 4.",
        "Watergate 1972 was a scandal.",
        "Via email 24 hours a day",
        "rue 5",
        "via 10 routes",
        "Boxes 1 to 4 are full.",
    ],
)
def test_leaves_other_figures(text: str) -> None:
    assert _addresses(text) == []


def test_a_long_text_of_half_addresses_takes_linear_time() -> None:
    text = "12 Oak Elm Ash " * 2_000

    assert _addresses(text) == []

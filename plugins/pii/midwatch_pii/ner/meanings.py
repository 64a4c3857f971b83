"""What a model's labels mean to us: data sets name the same things in many ways."""

import re
from collections.abc import Sequence
from enum import StrEnum


class Meaning(StrEnum):
    """What a token may be a piece of. All but `NAME`, `PLACE` and `ADDRESS` are pieces of an address only."""

    NAME = "name"
    PLACE = "place"
    STREET = "street"
    NUMBER = "number"
    UNIT = "unit"
    CODE = "code"
    ADDRESS = "address"


# Labels of Rampart, ai4privacy, OntoNotes, CoNLL-2003 and their kin, letters only.
_KNOWN = {
    Meaning.NAME: "PER PERS PERSON NAME FULLNAME GIVENNAME FIRSTNAME MIDDLENAME SURNAME LASTNAME FAMILYNAME PATIENT",
    Meaning.PLACE: "LOC LOCATION GPE PLACE CITY TOWN STATE COUNTY PROVINCE REGION COUNTRY",
    Meaning.STREET: "STREET STREETNAME",
    Meaning.NUMBER: "BUILDING BUILDINGNUMBER BUILDINGNUM HOUSENUMBER STREETNUMBER",
    Meaning.UNIT: "SECONDARYADDRESS UNIT APARTMENT",
    Meaning.CODE: "ZIP ZIPCODE POSTCODE POSTALCODE",
    Meaning.ADDRESS: "ADDRESS STREETADDRESS FULLADDRESS",
}
_MEANINGS = {label: meaning for meaning, labels in _KNOWN.items() for label in labels.split()}
# IOB2, BILOU and BIOES: a piece begins, goes on, ends or stands alone.
_POSITION = re.compile(r"(?i)^[BILOUES][-_](?=.)")
_NO_LETTER = re.compile(r"[^A-Z]+")


def meaning_of(label: str) -> Meaning | None:
    """What a label means; None for `O`, and for what is none of our business."""
    return _MEANINGS.get(_NO_LETTER.sub("", _POSITION.sub("", label).upper()))


def columns(labels: Sequence[str]) -> dict[Meaning, tuple[int, ...]]:
    """Where in a model's output each meaning stands. Empty for a model that tells none of them."""
    found: dict[Meaning, list[int]] = {}
    for at, label in enumerate(labels):
        if (meaning := meaning_of(label)) is not None:
            found.setdefault(meaning, []).append(at)
    return {meaning: tuple(where) for meaning, where in found.items()}

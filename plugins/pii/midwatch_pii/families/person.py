"""Where someone lives and when someone was born."""

import re

from midwatch_core import Severity
from midwatch_pii.recogniser import Recogniser, whole

_NUMBERS = re.compile(r"[0-9]+")
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|févr|mars|avr|mai|juin|juil|août|märz|okt|dez|ene|abr|ago|dic)[\p{L}]*\.?"


def _birth(candidate: str) -> bool:
    """Day, month and year within their bounds; a year of two digits is fine."""
    numbers = [int(number) for number in _NUMBERS.findall(candidate)]
    small = [number for number in numbers if number < 32]
    years = [number for number in numbers if number >= 32]
    return all(1 <= number <= 31 for number in small[:2]) and all(year < 100 or 1880 <= year <= 2040 for year in years)


_STREETS = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Parkway|Pkwy|"
    r"Highway|Hwy|Circle|Crescent|Cres|Close|Gardens|Grove|Mews|Way|Row|Quay)"
)
_TAIL = r"(?:,? (?:Apt|Suite|Unit|Flat|Ste)\.? ?#?[0-9A-Z]{1,5})?(?:,? [A-Z]\p{L}+(?: [A-Z]\p{L}+)?,? [A-Z]{2} [0-9]{5}(?:-[0-9]{4})?)?"
_HOME_WORDS = (
    "address", "my address", "home address", "live at", "lives at", "living at", "residence", "resides at", "ship to", "shipping",
    "deliver", "delivered", "delivery", "mail to", "street", "located at", "sent to", "arrived at", "office is at", "come to",
    "home", "billing", "adresse", "anschrift", "wohnt", "wohnhaft", "dirección", "direccion", "domicilio", "indirizzo", "endereço", "adres",
    "habite", "vive en", "abita", "adresse postale",
)  # fmt: skip

PERSON = (
    Recogniser(
        rule="street-address",
        kind="ADDRESS",
        title="Street address",
        pattern=rf"\b[0-9]{{1,5}}[A-Za-z]?,? (?:(?:[NSEW]|North|South|East|West)\.? )?(?:[A-Z][\p{{L}}'’.-]+ |[0-9]{{1,3}}(?:st|nd|rd|th) ){{1,3}}{_STREETS}\b\.?{_TAIL}",
        alone=0.6,
        near=0.85,
        labels=_HOME_WORDS,
    ),
    Recogniser(
        rule="street-address-labelled",
        kind="ADDRESS",
        title="Street address with the number last, after a word for it",
        pattern=r"(?:[A-ZÄÖÜ][\p{L}-]+(?:straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|gatan|vej|veien)|(?:[Rr]ue|[Vv]ia|[Cc]alle|[Rr]ua|[Aa]venida|[Pp]laza|[Pp]iazza|[Cc]orso|[Aa]venue)(?: (?:de|la|del|du|des|da|do|dei|della|di|les|los))*(?: [A-ZÀ-Þ][\p{L}'’.-]+){1,3},?) [0-9]{1,4} ?[a-zA-Z]?\b",
        near=0.75,
        labels=_HOME_WORDS,
    ),
    Recogniser(
        rule="post-box",
        kind="ADDRESS",
        title="Post office box",
        pattern=r"\b(?:P\.? ?O\.? ?Box|PO BOX|Postfach|Apartado) [0-9]{1,6}\b",
        alone=0.6,
        near=0.8,
        labels=_HOME_WORDS,
        severity=Severity.LOW,
        marks="xh",
    ),
    Recogniser(
        rule="date-of-birth",
        kind="DATE_OF_BIRTH",
        title="Date of birth, after a word for it",
        pattern=rf"(?i)\b(?:[0-9]{{1,2}}[-/. ][0-9]{{1,2}}[-/. ](?:[0-9]{{4}}|[0-9]{{2}})|[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}|[0-9]{{1,2}}(?:st|nd|rd|th|\.)? (?:of |de )?{_MONTHS},? (?:de )?[0-9]{{4}}|{_MONTHS} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}})\b",
        near=0.85,
        labels=(
            "date of birth",
            "dob",
            "d.o.b",
            "born on",
            "born",
            "birth date",
            "birthdate",
            "birthday",
            "dateofbirth",
            "geburtsdatum",
            "geboren am",
            "né le",
            "née le",
            "date de naissance",
            "fecha de nacimiento",
            "nacido el",
            "data di nascita",
            "nato il",
            "data de nascimento",
            "geboortedatum",
            "data urodzenia",
            "дата рождения",
            "出生日期",
            "生年月日",
            "생년월일",
        ),
        accept=whole(_birth),
    ),
)

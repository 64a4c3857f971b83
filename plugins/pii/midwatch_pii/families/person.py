"""When someone was born."""

import re

from midwatch_pii.recogniser import Recogniser, whole

_NUMBERS = re.compile(r"[0-9]+")
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|févr|mars|avr|mai|juin|juil|août|märz|okt|dez|ene|abr|ago|dic)[\p{L}]*\.?"


def _birth(candidate: str) -> bool:
    """Day, month and year within their bounds; a year of two digits is fine."""
    numbers = [int(number) for number in _NUMBERS.findall(candidate)]
    small = [number for number in numbers if number < 32]
    years = [number for number in numbers if number >= 32]
    return all(1 <= number <= 31 for number in small[:2]) and all(year < 100 or 1880 <= year <= 2040 for year in years)


PERSON = (
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

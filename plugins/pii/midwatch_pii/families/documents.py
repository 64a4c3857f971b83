"""Passports, driving licences and licence plates: no checksum tells them, so a word must announce them."""

from midwatch_core import Severity
from midwatch_pii.recogniser import Recogniser, whole


def _plate(candidate: str) -> bool:
    """Letters and digits both, five to eight of them."""
    signs = [char for char in candidate if char.isalnum()]
    return 5 <= len(signs) <= 8 and any(map(str.isdigit, signs)) and any(map(str.isalpha, signs))


def _many_digits(candidate: str) -> bool:
    return sum(map(str.isdigit, candidate)) >= 5


_LICENCE_WORDS = tuple(
    f"{driver} {licence}"
    for driver in ("driver's", "drivers", "driver", "driving", "driver’s")
    for licence in ("license", "licence")
)

DOCUMENTS = (
    Recogniser(
        rule="passport",
        kind="PASSPORT",
        title="Passport number, after a word for it",
        pattern=r"(?i)\b(?:[A-Z]{1,2} ?[0-9]{6,8}|[0-9]{8,9}|[0-9]{2}[A-Z]{2}[0-9]{5}|[CFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8})\b",
        near=0.8,
        severity=Severity.HIGH,
        labels=(
            "passport",
            "passport number",
            "passport no",
            "reisepass",
            "reisepassnummer",
            "passeport",
            "pasaporte",
            "passaporto",
            "passaporte",
            "paspoort",
            "паспорт",
            "护照",
            "護照",
            "旅券",
            "パスポート",
            "여권",
        ),
        accept=whole(_many_digits),
    ),
    Recogniser(
        rule="passport-mrz",
        kind="PASSPORT",
        title="Machine-readable zone of a passport",
        pattern=r"\bP[A-Z<][A-Z]{3}[A-Z<]{39}(?:\r?\n[A-Z0-9<]{44})?",
        alone=0.95,
        near=0.95,
        severity=Severity.HIGH,
        marks="<",
    ),
    Recogniser(
        rule="driving-licence",
        kind="DRIVING_LICENCE",
        title="Driving licence number, after a word for it",
        pattern=r"(?i)\b(?:[A-Z]{0,3}[0-9]{5,14}[A-Z]{0,2}|[A-Z][0-9]{3}-[0-9]{4}-[0-9]{4}|[A-Z9]{5}[0-9]{6}[A-Z0-9]{2}[0-9][A-Z]{2}|[A-Z]{1,2}[0-9]{2,3}[- ][0-9]{2,3}[- ][0-9]{3,4})\b",
        near=0.85,
        severity=Severity.HIGH,
        labels=(
            *_LICENCE_WORDS,
            "driver license number",
            "dl number",
            "führerschein",
            "führerscheinnummer",
            "permis de conduire",
            "licencia de conducir",
            "permiso de conducir",
            "patente di guida",
            "rijbewijs",
            "carteira de motorista",
            "cnh",
        ),
        accept=whole(_many_digits),
    ),
    Recogniser(
        rule="licence-plate",
        kind="LICENCE_PLATE",
        title="Licence plate, after a word for it",
        pattern=r"\b[A-Z0-9ÄÖÜ]{1,4}(?:[- ·]?[A-Z0-9]{1,4}){1,3}\b",
        near=0.7,
        within=20,
        labels=(
            "license plate",
            "licence plate",
            "number plate",
            "plate number",
            "registration plate",
            "kennzeichen",
            "matrícula",
            "immatriculation",
            "targa",
            "kenteken",
            "plate no",
        ),
        accept=whole(_plate),
    ),
)

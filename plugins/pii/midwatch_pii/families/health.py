"""Numbers of health services: NHS, Medicare in the United States and Australia, and records of patients."""

from midwatch_core import Severity
from midwatch_pii.families.national_ids import stdnum
from midwatch_pii.recogniser import Recogniser, whole


def is_australian_medicare(candidate: str) -> bool:
    """Services Australia: nine digits with the weights 1 3 7 9 1 3 7 9, the ninth being the check."""
    digits = [int(char) for char in candidate if char.isdigit()]
    total = sum(weight * digit for weight, digit in zip((1, 3, 7, 9, 1, 3, 7, 9), digits, strict=False))
    return total % 10 == digits[8]


HEALTH = (
    Recogniser(
        rule="nhs-number",
        kind="HEALTH_ID",
        title="NHS number",
        pattern=r"\b[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{4}\b",
        near=0.9,
        severity=Severity.HIGH,
        labels=("nhs", "nhs number", "nhs no", "nhsnumber"),
        accept=whole(stdnum("gb.nhs")),
    ),
    Recogniser(
        rule="us-medicare",
        kind="HEALTH_ID",
        title="Medicare beneficiary identifier",
        pattern=r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}\b",
        alone=0.7,
        near=0.95,
        severity=Severity.HIGH,
        labels=("medicare", "mbi", "beneficiary"),
    ),
    Recogniser(
        rule="au-medicare",
        kind="HEALTH_ID",
        title="Australian Medicare number",
        pattern=r"\b[2-6][0-9]{3} ?[0-9]{5} ?[0-9](?:[ /-]?[1-9])?\b",
        near=0.85,
        severity=Severity.HIGH,
        labels=("medicare",),
        accept=whole(is_australian_medicare),
    ),
    Recogniser(
        rule="medical-record",
        kind="HEALTH_ID",
        title="Medical record number, after a word for it",
        pattern=r"\b[A-Z]{0,3}-?[0-9]{5,12}\b",
        near=0.7,
        within=15,
        severity=Severity.HIGH,
        labels=(
            "mrn",
            "medical record number",
            "medical record no",
            "patient id",
            "patient number",
            "patientid",
            "health insurance number",
        ),
    ),
)

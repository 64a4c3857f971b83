"""E-mail addresses and phone numbers."""

from collections.abc import Sequence

from midwatch_pii.phone import accept_grouped_phone, accept_phone, is_national
from midwatch_pii.recogniser import Recogniser, whole

# What looks like a top-level domain and is the end of a file's name: `logo@2x.png`.
_FILE_ENDS = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "ico",
        "js",
        "ts",
        "css",
        "html",
        "json",
        "py",
        "md",
        "txt",
        "yaml",
        "yml",
        "xml",
        "pdf",
        "zip",
        "gz",
        "so",
    ]
)
_MAX_LOCAL = 64


def _email(candidate: str) -> bool:
    """RFC 5321's lengths, no empty labels, no file names."""
    local, _, domain = candidate.rpartition("@")
    if len(local) > _MAX_LOCAL or len(domain) > 253 or ".." in candidate or local[0] == "." or local[-1] == ".":
        return False
    last = domain.rpartition(".")[2].lower()
    return last not in _FILE_ENDS and all(0 < len(part) < 64 and part[0] != "-" for part in domain.split("."))


def regional_phone(regions: Sequence[str]) -> Recogniser:
    """A rule for numbers in groups, as dialled inside some regions (ISO 3166), with no word near."""

    def accept(candidate: str) -> int:
        digits = "".join(char for char in candidate if char.isdigit())
        known = any(is_national(digits, region) for region in regions)
        return accept_grouped_phone(candidate) if known else 0

    return Recogniser(
        rule="phone-regional",
        kind="PHONE",
        title="Phone number, as dialled in a region",
        pattern=r"(?:\([0-9]{2,5}\) ?|\b0[0-9]{1,4}[ /.-])[0-9]{2,8}(?:[ .-][0-9]{2,8}){0,4}\b",
        alone=0.6,
        near=0.85,
        labels=_PHONE_WORDS,
        before=12,
        accept=accept,
    )


_PHONE_WORDS = (
    "phone", "phones", "telephone", "phone number", "telephone number", "mobile number", "tel", "mobile", "cell",
    "cellphone", "fax", "call me", "dial", "text me", "sms", "whatsapp", "contact number", "hotline", "landline",
    "telefon", "telefonnummer", "handy", "handynummer", "mobil", "rufnummer", "teléfono", "telefono", "móvil",
    "celular", "cellulare", "téléphone", "portable", "telefone", "telemóvel", "telefoon", "telefoonnummer",
    "puhelin", "телефон", "тел", "звоните", "電話", "携帯", "电话", "手机", "전화", "전화번호", "फोन", "هاتف", "טלפון",
)  # fmt: skip
_LOCAL = r"(?:\+|\()?[0-9][0-9 ().\-/]{4,22}[0-9](?: ?(?:x|ext\.?) ?[0-9]{1,6})?"
# Words that announce much else too: behind them only what is written in groups.
_WEAK_WORDS = ("call", "called", "reach", "answering", "answer", "office", "work", "home", "contact")

CONTACT = (
    Recogniser(
        rule="email",
        kind="EMAIL",
        title="E-mail address",
        pattern=r"[\p{L}\p{N}_][\p{L}\p{N}._%+'-]*@(?:[\p{L}\p{N}-]+\.)+(?:[\p{L}]{2,24}|xn--[a-z0-9-]{2,59})",
        alone=0.95,
        near=0.95,
        accept=whole(_email),
        marks="@",
        inside=True,
    ),
    Recogniser(
        rule="phone",
        kind="PHONE",
        title="Phone number, international",
        pattern=r"(?:\+[0-9]|\(\+[0-9]{1,3}\) ?[0-9])[0-9 ().\-/]{5,22}[0-9](?: ?(?:x|ext\.?) ?[0-9]{1,6})?",
        alone=0.85,
        near=0.9,
        labels=_PHONE_WORDS,
        accept=accept_phone,
        before=12,
        marks="+",
    ),
    Recogniser(
        rule="phone-nanp",
        kind="PHONE",
        title="Phone number, North American form",
        pattern=r"\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[-. ][0-9]{4}\b|\b[2-9][0-9]{2}([-.])[2-9][0-9]{2}[-.][0-9]{4}\b",
        alone=0.6,
        near=0.85,
        labels=_PHONE_WORDS,
        before=12,
        accept=accept_phone,
    ),
    Recogniser(
        rule="phone-labelled",
        kind="PHONE",
        title="Phone number, after a word for it",
        pattern=_LOCAL,
        near=0.8,
        labels=_PHONE_WORDS,
        accept=accept_phone,
        within=25,
        before=12,
    ),
    Recogniser(
        rule="phone-grouped",
        kind="PHONE",
        title="Phone number in groups, after a word that may announce one",
        pattern=_LOCAL,
        near=0.65,
        labels=_WEAK_WORDS,
        accept=accept_grouped_phone,
        within=15,
        before=10,
    ),
)

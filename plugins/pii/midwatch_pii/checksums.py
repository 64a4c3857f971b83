"""Checksums that no library checks fast enough, or at all: cards, IBAN, ABA, wallets."""

import hashlib

# Issuer ranges (ISO/IEC 7812) with the lengths they issue: first and last prefix, lengths.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({13, 16, 19})),
    (51, 55, frozenset({16})),
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),
    (37, 37, frozenset({15})),
    (6011, 6011, frozenset({16, 19})),
    (644, 649, frozenset({16, 19})),
    (65, 65, frozenset({16, 19})),
    (3528, 3589, frozenset({16, 17, 18, 19})),
    (300, 305, frozenset({14, 16})),
    (36, 36, frozenset({14})),
    (38, 39, frozenset({14, 16})),
    (62, 62, frozenset({16, 17, 18, 19})),
    (5018, 5018, frozenset({16})),
    (5020, 5020, frozenset({16})),
    (5038, 5038, frozenset({16})),
    (6304, 6304, frozenset({16})),
    (6759, 6759, frozenset({16})),
    (6761, 6763, frozenset({16})),
    (2200, 2204, frozenset({16})),
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
# SWIFT's IBAN registry: characters an IBAN of each country has.
_IBAN_LENGTHS = {
    country: int(size)
    for size, countries in {
        "15": "NO", "16": "BE", "18": "DK FI FO GL NL SD FK", "19": "MK SI", "20": "AT BA EE KZ LT LU XK MN",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM TL SO",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR", "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HN HU LB NI PL SV", "29": "BR EG PS QA UA", "30": "JO KW MU YE", "31": "MT SC",
        "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_BASE58 = {char: at for at, char in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
# First bytes of addresses: Bitcoin 00 05, Litecoin 30 32, Dogecoin 1e, Tron 41, Dash 4c.
_VERSIONS = frozenset({0x00, 0x05, 0x30, 0x32, 0x1E, 0x41, 0x4C})
_BECH32 = {char: at for at, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_ENDS = (1, 0x2BC830A3)


def is_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    values = [ord(char) - 48 for char in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def is_card(candidate: str) -> bool:
    """A number of a known issuer's range and length with a right Luhn digit; spaces and hyphens don't count."""
    digits = candidate.replace(" ", "").replace("-", "")
    if len(set(digits)) < 2 or not digits.isascii():
        return False
    issued = any(
        low <= int(digits[: len(str(low))]) <= high and len(digits) in lengths for low, high, lengths in _ISSUERS
    )
    return issued and is_luhn(digits)


def iban_length(candidate: str) -> int:
    """How many characters of the candidate are an IBAN (ISO 13616, mod 97), 0 if it begins with none."""
    size = _IBAN_LENGTHS.get(candidate[:2].upper(), 0)
    end = _end_of(candidate, size) if size else 0
    if not end or (end < len(candidate) and candidate[end].isalnum()):
        return 0
    compact = "".join(char for char in candidate[:end] if char not in " -").upper()
    return end if int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1 else 0


def _end_of(candidate: str, size: int) -> int:
    """Where `size` letters and digits end, 0 if there are fewer."""
    seen = 0
    for at, char in enumerate(candidate):
        seen += char not in " -"
        if seen == size:
            return at + 1
    return 0


def is_aba(digits: str) -> bool:
    """A routing transit number of the American Bankers Association: 3-7-1 weights, a district's first two digits."""
    area = int(digits[:2])
    if not (1 <= area <= 12 or 21 <= area <= 32 or 61 <= area <= 72 or area == 80):
        return False
    return sum(weight * int(digit) for weight, digit in zip((3, 7, 1) * 3, digits, strict=True)) % 10 == 0


def is_base58_address(candidate: str) -> bool:
    """A 25-byte address of a known currency with Base58Check's double SHA-256."""
    number = 0
    for char in candidate:
        number = number * 58 + _BASE58[char]
    if number.bit_length() > 200:
        return False
    raw = number.to_bytes(25, "big")
    if raw[0] not in _VERSIONS or (raw[0] == 0) != (candidate[0] == "1"):
        return False
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def is_bech32_address(candidate: str) -> bool:
    """BIP 173 and BIP 350: one case, a known prefix by the pattern, a right checksum."""
    if candidate != candidate.lower() and candidate != candidate.upper():
        return False
    prefix, _, data = candidate.lower().rpartition("1")
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    if any(char not in _BECH32 for char in data):
        return False
    check = 1
    for value in values + [_BECH32[char] for char in data]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate(_BECH32_STEPS):
            check ^= step if top >> bit & 1 else 0
    return check in _BECH32_ENDS

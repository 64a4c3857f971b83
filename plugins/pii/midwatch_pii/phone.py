"""Whether digits are a phone number: the numbering plans' metadata from phonenumbers, without its slow matcher."""

import re
from functools import lru_cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_EXTENSION = re.compile(r" ?(?:x|ext\.?) ?[0-9]{1,6}$")
_DATE = re.compile(
    r"(?:(?:19|20)[0-9]{2}[-/. ][01]?[0-9][-/. ][0-3]?[0-9]"
    r"|[0-3]?[0-9][-/. ][0-3]?[0-9][-/. ](?:19|20)[0-9]{2})(?: .*)?$"
)
_YEARS = re.compile(r"(?:19|20)[0-9]{2}[-/ ]+(?:19|20)[0-9]{2}$")
_GROUP = re.compile(r"[^0-9]+")
_MONEY = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{3})+$|[0-9]+\.[0-9]+$")
_TWICE = re.compile(r"  |--|\.\.|//| - |\(\(|\)\)")
# ITU E.164: at most 15 digits; the shortest national numbers that people write have six.
_MOST, _LEAST = 15, 6


@lru_cache(maxsize=256)
def _plan(code: int) -> tuple[re.Pattern[str], ...]:
    """The patterns of all national numbers behind a country's calling code."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    if regions == ("001",):
        found = [PhoneMetadata.metadata_for_nongeo_region(code)]
    else:
        found = [PhoneMetadata.metadata_for_region(region) for region in regions]
    patterns = [data.general_desc.national_number_pattern for data in found if data and data.general_desc]
    return tuple(re.compile(pattern) for pattern in patterns if pattern)


def is_international(digits: str) -> bool:
    """Whether digits without `+` are a calling code and a national number of its plan."""
    for size in (1, 2, 3):
        for plan in _plan(int(digits[:size])):
            national = digits[size:]
            if plan.fullmatch(national) or (national[:1] == "0" and plan.fullmatch(national[1:])):
                return True
    return False


def accept_phone(candidate: str) -> int:
    """How many characters are a phone number: all with its extension, or none.

    With `+` the plan decides; North American numbers with any area code pass, as many are written wrong.
    """
    bare = _EXTENSION.sub("", candidate) if "x" in candidate else candidate
    digits = _GROUP.sub("", bare)
    if not _LEAST <= len(digits) <= _MOST or len(set(digits)) == 1 or not _looks_written(bare):
        return 0
    if bare.startswith(("+", "(+")) and not (is_international(digits) or (digits[0] == "1" and len(digits) == 11)):
        return 0
    return len(candidate)


def is_national(digits: str, region: str) -> bool:
    """Whether digits are a number as dialled inside a region (ISO 3166), with or without its trunk prefix."""
    data = PhoneMetadata.metadata_for_region(region)
    if data is None or data.general_desc is None or not data.general_desc.national_number_pattern:
        return False
    pattern, prefix = re.compile(data.general_desc.national_number_pattern), data.national_prefix or ""
    bare = digits.removeprefix(prefix) if prefix else digits
    return pattern.fullmatch(digits) is not None or pattern.fullmatch(bare) is not None


def accept_grouped_phone(candidate: str) -> int:
    """The same for digits in groups only, all of them of two digits or more."""
    bare = _EXTENSION.sub("", candidate) if "x" in candidate else candidate
    groups = [group for group in _GROUP.split(bare) if group]
    return accept_phone(candidate) if len(groups) > 1 and min(map(len, groups)) > 1 else 0


def _looks_written(bare: str) -> bool:
    """Whether separators and brackets stand as people write them: no dates, amounts, lists."""
    if _DATE.match(bare) or _MONEY.match(bare) or _YEARS.match(bare) or bare.count("(") != bare.count(")"):
        return False
    return _TWICE.search(bare) is None

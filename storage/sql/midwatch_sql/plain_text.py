"""Texts as PostgreSQL can hold them: any character but NUL.

NUL becomes U+0001 and `0`, U+0001 itself U+0001 and `1`: every text has one form, forms have the order of their texts,
and a text without these two characters stands as it is.
"""

_ESCAPE = "\x01"


def to_plain(text: str) -> str:
    """The form of a text."""
    if _ESCAPE not in text and "\0" not in text:
        return text
    return text.replace(_ESCAPE, f"{_ESCAPE}1").replace("\0", f"{_ESCAPE}0")


def from_plain(form: str) -> str:
    """The text of a form."""
    if _ESCAPE not in form:
        return form
    return form.replace(f"{_ESCAPE}0", "\0").replace(f"{_ESCAPE}1", _ESCAPE)

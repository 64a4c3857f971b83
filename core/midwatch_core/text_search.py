"""What "found in a text" means for every repository that looks through texts itself."""

from collections.abc import Callable

from midwatch_core.errors import StorageError


def text_finder(wanted: str) -> Callable[[bytes], bool]:
    """Whether `wanted` is in a text, given as UTF-8, whatever its case.

    ASCII alone is compared byte by byte, which is many times faster; other scripts by Unicode's case folding. Raises
    StorageError for nothing to look for, or what no text can hold.
    """
    if not wanted:
        raise StorageError("a text to look for has at least one character")
    try:
        data = wanted.encode()
    except UnicodeEncodeError as error:
        raise StorageError("a text to look for can't hold half a surrogate pair") from error
    if data.isascii():
        lowered = data.lower()
        return lambda text: lowered in text.lower()
    folded = wanted.casefold()
    return lambda text: folded in text.decode().casefold()

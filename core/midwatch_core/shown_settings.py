"""Settings as they may be shown: every secret masked, wherever a plugin's section has it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from midwatch_core.model.content import Json
from midwatch_core.secret_text import HIDDEN, is_secret_place, masked

# What a secret's setting is called. Plugins name their own: rather one too many is hidden.
_SECRET_NAME = re.compile(
    r"passw|passphrase|secret|credential|webhook|authoriz|(^|_)(pwd|dsn|token)$|(api|access|auth|admin|routing|private|integration)_?key$"
)
# A reference says where the secret is, and may be shown. A header's value may be one after a word: `Bearer ${TOKEN}`.
_REFERENCE = re.compile(r"(?:(?:Bearer|Basic|Token|ApiKey) )?\$\{[^{}]*\}", re.IGNORECASE)
# Settings whose names look like a secret's and that hold none: paths of files.
_PLAIN = frozenset({("grpc", "private_key")})


def shown_settings(settings: Mapping[str, Any]) -> dict[str, Json]:
    """JSON values of a configuration without its secrets: references stay, and passwords in URLs are masked."""
    return {str(key): _shown(value, (str(key),)) for key, value in settings.items()}


def is_secret_name(key: str) -> bool:
    """Whether a setting is called as secrets are."""
    return _SECRET_NAME.search(key.lower()) is not None


def places(settings: Mapping[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The place of every setting in a nested mapping; lists are one setting."""
    for key, value in settings.items():
        here = (*before, str(key))
        if isinstance(value, Mapping) and value:
            yield from places(value, here)
        else:
            yield here


def _shown(value: Any, path: tuple[str, ...]) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _shown(item, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item, path) for item in value]
    if isinstance(value, str):
        return _text(value, path)
    return value if value is None or isinstance(value, bool | int | float) else masked(str(value))


def _text(value: str, path: tuple[str, ...]) -> str:
    secret = path not in _PLAIN and (is_secret_place(path) or is_secret_name(path[-1]))
    if secret and value and _REFERENCE.fullmatch(value) is None:
        return HIDDEN
    return masked(value)

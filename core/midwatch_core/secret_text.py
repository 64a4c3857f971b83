"""Secrets in settings: `${VARIABLE}` and `${file:PATH}` stand for them, and no message shows one."""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from midwatch_core.errors import ConfigError
from midwatch_core.revealed import REVEALED

logger = logging.getLogger(__name__)

# Settings that are URLs, and may hold a password; and settings that are nothing but a secret.
URL_KEYS: tuple[tuple[str, ...], ...] = (
    ("storage", "traces"),
    ("storage", "metadata"),
    ("storage", "cache"),
    ("upstream", "proxy"),
)
SECRET_KEYS: tuple[tuple[str, ...], ...] = (
    ("storage", "encryption", "key"),
    ("access", "admin_key"),
    ("web", "scrape_token"),
)

HIDDEN = "***"
_REMEDY = (
    "a password is not written here; put ${{VARIABLE}} or ${{file:PATH}} in its place,"
    " or give the whole URL in the variable {variable}"
)
_ONLY_REFERENCE = "a secret is not written here; write ${VARIABLE} or ${file:PATH}"
_LARGEST_FILE = 64 * 1024
_OTHERS_READ = 0o044
# Where Docker and Kubernetes mount secrets, for one container alone and with modes of their own (0444, 0440).
_MOUNTED = Path("/run/secrets")
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# A port, and what may follow one.
_PORT = r"\d{1,5}(?:[\s/?#'\",;:.)\]}]|$)"
# Up to the last @: a password that was not encoded may hold any of :/@ itself. An @ in the query makes none.
_PASSWORD = re.compile(r"(?<=://)([^:@/?#]*):(?!\d{1,5}(?:/[^@?#]*)?(?:[?#]|$))(.*)(@)", re.DOTALL)
# `redis://:word`, the @ forgotten: what stands where a port should be is none.
_NO_PORT = re.compile(rf"(?<=://)([^:@/?#\[\]]*):(?!{_PORT})([^\s:@/?#'\",]+)()")
# Before what a driver is told in a query; a proxy there is a URL that is encoded, its password too.
_WORD = re.compile(
    r"([?&][\w.-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|credentials?|proxy)=)"
    r"([^&#\s'\"]*)",
    re.IGNORECASE,
)
# References while a URL is looked at: their own : and / must not be taken for the URL's.
_MARK = re.compile("\ue000(\\d+)\ue001")


def resolve_secrets(text: str, *, key: str, environ: Mapping[str, str] | None = None) -> str:
    """`text` with its references filled in; the result is for opening, never for keeping or printing.

    What stands before the @ of a URL or in its query is encoded for that place. Raises ConfigError naming the setting
    `key` and the variable or file that is missing.
    """
    environ = os.environ if environ is None else environ
    whole = _REFERENCE.fullmatch(text)
    if whole is not None:
        return _value(whole[1], key, environ)
    bare = _REFERENCE.sub(lambda match: "\0" * len(match[0]), text)

    def fill(match: re.Match[str]) -> str:
        value = _value(match[1], key, environ)
        return quote(value, safe="") if _is_encoded_place(bare, match.start()) else value

    return _REFERENCE.sub(fill, text)


def masked(url: str) -> str:
    """A URL as it may be shown: its user and references are kept, passwords are ***."""
    text, references = _marked(url)
    for pattern in (_PASSWORD, _NO_PORT):
        text = pattern.sub(lambda match: f"{match[1]}:{_shown(match[2])}{match[3]}", text)
    text = _WORD.sub(lambda match: match[1] + _shown(match[2]), text)
    return _MARK.sub(lambda match: references[int(match[1])], text)


def without_secrets(message: str, url: str) -> str:
    """A message of whoever was given `url`, without the secrets that are in it, however they are quoted there."""
    message = message.replace(url, masked(url))
    for secret in sorted(_secrets_in(url), key=len, reverse=True):
        for form in (secret, unquote(secret), quote(unquote(secret), safe="")):
            message = message.replace(form, HIDDEN).replace(repr(form)[1:-1], HIDDEN)
    return message


def has_secret(url: str) -> bool:
    """Whether a secret stands in a URL itself, and not a reference to one."""
    text, _ = _marked(url)
    return any(_MARK.sub("", secret) for secret in _secrets_in(text))


def refuse_literals(settings: Mapping[str, Any], source: str) -> None:
    """Raises ConfigError where `source` (a file, the flags) has a secret itself and not a reference to one."""
    for path in URL_KEYS:
        value = _at(settings, path)
        if isinstance(value, str) and has_secret(value):
            raise ConfigError(f"{source}: {'.'.join(path)}: {_REMEDY.format(variable=_variable(path))}")
    for path in SECRET_KEYS:
        value = _at(settings, path)
        if isinstance(value, str) and _REFERENCE.fullmatch(value) is None:
            raise ConfigError(f"{source}: {'.'.join(path)}: {_ONLY_REFERENCE}")


def reference_for(path: tuple[str, ...], value: str, variable: str) -> str:
    """What stands in the configuration for the value of an environment variable: a reference where it is a secret.

    Raises ConfigError for a URL with both a password and a reference: which of them is meant is not ours to guess.
    """
    if path in SECRET_KEYS and _REFERENCE.fullmatch(value) is None:
        return f"${{{variable}}}"
    if path not in URL_KEYS or not has_secret(value):
        return value
    if _REFERENCE.search(value):
        raise ConfigError(f"{variable}: {'.'.join(path)}: give the URL whole, or every secret in it as ${{VARIABLE}}")
    return f"${{{variable}}}"


def is_secret_place(path: tuple[str, ...]) -> bool:
    """Whether a setting is a secret, or holds one, or is where one lands by mistake: what is found there is not shown.

    A provider's key is easily written where its fingerprint belongs, and into headers a key itself.
    """
    if path[:1] == ("tenants",):
        return len(path) < 3 or path[2] == "provider_keys"
    return "headers" in path or any(path == known[: len(path)] for known in SECRET_KEYS)


def _at(settings: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    place: Any = settings
    for part in path:
        place = place.get(part) if isinstance(place, Mapping) else None
    return place


def _variable(path: tuple[str, ...]) -> str:
    return "MIDWATCH_" + "__".join(path).upper()


def _marked(url: str) -> tuple[str, list[str]]:
    """A URL with a mark for each reference, and the references."""
    references: list[str] = []

    def mark(match: re.Match[str]) -> str:
        references.append(match[0])
        return f"\ue000{len(references) - 1}\ue001"

    return _REFERENCE.sub(mark, re.sub("[\ue000\ue001]", "", url)), references


def _secrets_in(text: str) -> Iterator[str]:
    """Passwords and secret words of a URL, as they are written in it; empty ones are none."""
    for pattern in (_PASSWORD, _NO_PORT, _WORD):
        yield from (match[2] for match in pattern.finditer(text) if match[2])


def _shown(secret: str) -> str:
    """A reference says where the secret is, and may be shown; anything else may not."""
    return secret if not secret or _MARK.fullmatch(secret) else HIDDEN


def _is_encoded_place(bare: str, position: int) -> bool:
    """Whether this place of a URL (references blanked out) is before the @, or in the query."""
    start = bare.find("://") + 3
    if start < 3:
        return False
    query = bare.find("?", start)
    end = min((at for at in (bare.find(mark, start) for mark in "/?#") if at >= 0), default=len(bare))
    return start <= position < bare.rfind("@", start, end) or 0 <= query < position


def _value(name: str, key: str, environ: Mapping[str, str]) -> str:
    value = _found(name, key, environ)
    REVEALED.add(value)
    return value


def _found(name: str, key: str, environ: Mapping[str, str]) -> str:
    if name.startswith("file:"):
        return _file_value(Path(name.removeprefix("file:")).expanduser(), key)
    if _VARIABLE.fullmatch(name) is None:
        raise ConfigError(f"{key}: ${{…}} holds the name of a variable, or file:PATH")
    value = environ.get(name)
    if not value:
        raise ConfigError(f"{key}: the variable {name} is not set, or empty")
    return value


def _file_value(path: Path, key: str) -> str:
    """What a file holds, without the line's end. Raises ConfigError."""
    if not path.is_absolute():
        raise ConfigError(f"{key}: ${{file:{path}}}: give the whole path of the file, from /")
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_LARGEST_FILE + 1)
        value = data.decode().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{key}: {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{key}: {path}: not text in UTF-8") from None
    if not value or len(data) > _LARGEST_FILE:
        raise ConfigError(f"{key}: {path}: {'longer than a secret is' if value else 'is empty'}")
    if mode & _OTHERS_READ and not path.is_relative_to(_MOUNTED):
        logger.warning("%s: %s can be read by others; chmod 600 it", key, path)
    return value

"""The directory as a document: what control writes into the home, and workers start from."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from midwatch_core.access.directory import Directory
from midwatch_core.errors import ConfigError
from midwatch_core.model.apikey import ApiKey
from midwatch_core.model.tenant import Tenant

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    format: int
    tenants: tuple[Tenant, ...]
    keys: tuple[ApiKey, ...]


def encode_directory(directory: Directory) -> bytes:
    """The document of a directory. It has the digests of keys, never a key; it is its owner's alone all the same."""
    return to_json(_Document(format=_FORMAT, tenants=directory.tenants, keys=directory.keys))


def decode_directory(data: bytes, source: str) -> Directory:
    """The directory of a document. Raises ConfigError naming `source` for one that is damaged, or not of ours."""
    try:
        document = TypeAdapter(_Document).validate_json(data)
        if document.format != _FORMAT:
            raise ValueError(f"format {document.format} is not the one of this version, {_FORMAT}")
        if not all(moment.tzinfo for moment in _moments(document)):
            raise ValueError("a moment has no time zone")
        return Directory(tenants=document.tenants, keys=document.keys)
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "document"
        raise ConfigError(f"{source}: {place}: {problem['msg']}; control writes it anew") from None
    except ValueError as error:
        raise ConfigError(f"{source}: {error}; control writes it anew") from error


def _moments(document: _Document) -> list[datetime]:
    moments = [tenant.created_at for tenant in document.tenants]
    for key in document.keys:
        moments += filter(None, (key.created_at, key.expires_at, key.revoked_at))
    return moments

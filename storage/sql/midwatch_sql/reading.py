"""Pieces read back by their hashes."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import batched

from midwatch_sql.compression import unpack
from midwatch_sql.conditions import marks
from midwatch_sql.putting import CHUNK

type Read = Callable[[Iterable[str]], Mapping[str, bytes]]


def reader(connection: sqlite3.Connection, tenant: str) -> Read:
    """Gives the bodies of a tenant's pieces; those not there are left out. Raises as `unpack`, sqlite3.Error."""
    return lambda keys: dict(bodies(connection, tenant, keys))


def remembering(read: Read) -> Read:
    """The same, asking once for each piece."""
    seen: dict[str, bytes] = {}

    def remembered(keys: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(keys)
        seen.update(read([key for key in wanted if key not in seen]))
        return {key: seen[key] for key in wanted if key in seen}

    return remembered


def bodies(connection: sqlite3.Connection, tenant: str, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Hash and body of a tenant's pieces, one in memory at a time. Raises as `reader`."""
    for some in batched(keys, CHUNK):
        query = f"SELECT hash, body FROM pieces WHERE tenant = ? AND hash IN ({marks(len(some))})"  # noqa: S608  # marks only
        for key, body in connection.execute(query, (tenant, *some)):
            yield key, unpack(body)

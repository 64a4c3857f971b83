"""Looking for what was planted: in files, and in what a store compresses."""

from __future__ import annotations

import base64
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import zstandard


def stored(database: Path) -> str:
    """All values of all tables, decompressed as the store does it."""
    from midwatch_sql import compression

    found = []
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in db.execute(f'select * from "{table}"'):  # a name of our own
                found += [_text(value, compression) for value in row]
    return "\n".join(found)


def _text(value: object, compression: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    for unpack in (compression.unpack, compression.unpack_detail):
        with contextlib.suppress(ValueError, zstandard.ZstdError):
            return bytes(unpack(value)).decode(errors="replace")
    return value.decode(errors="replace")


def forms(secret: str) -> list[bytes]:
    """How it could lie somewhere: as it is, in base64 at any offset, in hexadecimal."""
    data = secret.encode()
    shifted = [base64.b64encode(b"x" * by + data)[4 if by else 0 : -4] for by in range(3)]
    return [data, data.hex().encode(), *shifted]

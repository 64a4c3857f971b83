"""Connections to PostgreSQL: every wait on them has an end."""

import asyncpg
from sqlalchemy import Pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from midwatch_sql.postgres_address import Address

_DRIVER = "postgresql+asyncpg://"
# "midwatch": one lock for all who write, and who migrate, in one database.
_TURN = int.from_bytes(b"midwatch")
_CONNECTIONS = 5
_RECYCLE_S = 1800
# Parts of our timeout. The server gives up before we do, on a lock before all else: its answer says why.
_LIMITS = {"lock_timeout": 0.6, "statement_timeout": 0.8, "idle_in_transaction_session_timeout": 1.0}


def make_engine(address: Address, *, timeout_s: float, pool: type[Pool] | None = None) -> AsyncEngine:
    """An engine, not yet connected. `timeout_s` bounds getting a connection and, at the server, every statement."""
    limits = {name: str(int(part * timeout_s * 1000)) for name, part in _LIMITS.items()}

    async def connect() -> asyncpg.Connection:
        settings = {"application_name": "midwatch", **limits}
        return await asyncpg.connect(address.dsn, timeout=timeout_s, server_settings=settings)

    if pool is not None:
        return create_async_engine(_DRIVER, async_creator=connect, poolclass=pool, hide_parameters=True)
    return create_async_engine(
        _DRIVER,
        async_creator=connect,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_recycle=_RECYCLE_S,
        pool_pre_ping=True,
        hide_parameters=True,
    )


async def take_turn(connection: AsyncConnection) -> None:
    """Wait until nobody else writes; the turn is over with the transaction."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})

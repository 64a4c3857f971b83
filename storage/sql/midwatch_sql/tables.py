"""The tables as SQLAlchemy knows them: what migrations are checked against. Imported only where a schema is at work."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

from midwatch_sql.columns import AUDIT, EXCHANGES, PIECES, SETTINGS, ColumnSpec, Kind

# SQLite counts a key upwards by itself only where its type is INTEGER to the letter.
_COUNTER = BigInteger().with_variant(Integer(), "sqlite")
_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: Text(),
    Kind.INTEGER: BigInteger(),
    Kind.REAL: Float(53),
    Kind.FLAG: Boolean(),
    Kind.MOMENT: BigInteger(),
    Kind.BYTES: LargeBinary(),
}


def _columns(specs: tuple[ColumnSpec, ...]) -> list[Column[Any]]:
    return [
        Column(
            spec.name,
            _COUNTER if spec.key and spec.kind is Kind.INTEGER else _TYPES[spec.kind],
            primary_key=spec.key,
            nullable=spec.nullable,
        )
        for spec in specs
    ]


traces = MetaData()
exchanges = Table("exchanges", traces, *_columns(EXCHANGES))
Index("exchanges_by_start", exchanges.c.started_at)
Index("exchanges_by_tenant", exchanges.c.tenant, exchanges.c.started_at)
Index("exchanges_by_trace", exchanges.c.trace_id, exchanges.c.started_at)
Index("exchanges_by_model", exchanges.c.model, exchanges.c.started_at)
pieces = Table("pieces", traces, *_columns(PIECES))

metadata = MetaData()
settings = Table("settings", metadata, *_columns(SETTINGS))
audit = Table("audit", metadata, *_columns(AUDIT))

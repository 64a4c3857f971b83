"""Evidence of services: what was talked to, what of it was read, and what nobody approved."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from midwatch_compliance.evidence.model import HostLine, Hosts
from midwatch_core import Queries, Seen

# Services that are named in a report.
MAX_LINES = 50
# Lines of the inventory that are looked at.
_MOST = 10_000
_READ = frozenset({Seen.DECRYPTED.value, Seen.PLAIN.value})


async def hosts_of(queries: Queries, since: datetime, until: datetime) -> Hosts | None:
    """The services seen in a period, None where there is no inventory. Raises StorageError."""
    if queries.metadata is None:
        return None
    rows = await queries.hosts(since=since, limit=_MOST)
    lines = _lines([row for row in rows if datetime.fromisoformat(str(row["first_at"])) < until])
    return Hosts(
        services=len(lines),
        read=sum(line.read for line in lines),
        unread=sum(not line.read and not line.refused for line in lines),
        refused=sum(line.refused and not line.read for line in lines),
        shadow=sum(not line.known for line in lines),
        lines=tuple(sorted(lines, key=lambda line: (line.known, -line.connections))[:MAX_LINES]),
    )


def _lines(rows: list[dict[str, Any]]) -> list[HostLine]:
    by_host: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_host.setdefault(row["host"], []).append(row)
    return [_line(host, some) for host, some in by_host.items()]


def _line(host: str, rows: list[Mapping[str, Any]]) -> HostLine:
    seen = {row["seen"] for row in rows}
    return HostLine(
        host=host,
        title=rows[0].get("title"),
        known=bool(rows[0]["known"]),
        read=bool(seen & _READ),
        refused=Seen.REFUSED.value in seen,
        connections=sum(row["connections"] for row in rows),
        calls=sum(row["calls"] for row in rows),
        clients=len({row["client"] for row in rows if row["client"]}),
    )

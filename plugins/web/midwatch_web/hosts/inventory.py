"""The inventory: which AI services were talked to, and by whom, read or not; a page, and the same for programs."""

from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from midwatch_web.serving.asked import queries_of
from midwatch_web.serving.templating import page

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1")

_ROWS_ON_PAGE = 500
SEEN = {
    "decrypted": "read",
    "plain": "read, without TLS",
    "sni": "passed unread: only the name is known",
    "pinned": "passed unread: its client refused our certificate",
    "refused": "the client refused our certificate: no call was made",
}


@pages.get("/hosts")
async def hosts(request: Request, unknown: str = "") -> Response:
    """The services, the last seen first; with `unknown`, shadow AI alone."""
    rows = await queries_of(request).hosts(known=False if unknown else None, limit=_ROWS_ON_PAGE)
    shown = [{**row, "last_at": datetime.fromisoformat(str(row["last_at"]))} for row in rows]
    return page(
        request, "hosts/hosts.html", rows=shown, unknown=bool(unknown), seen=SEEN, full=len(rows) == _ROWS_ON_PAGE
    )


@api.get("/hosts")
async def hosts_json(
    request: Request,
    since: datetime | None = None,
    known: bool | None = None,
    client: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Response:
    """`hosts` with the keys of `hosts --json`, the last seen first. `known=false` is shadow AI alone."""
    moment = since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since
    rows = await queries_of(request).hosts(since=moment, known=known, client=client, limit=limit)
    return Response(orjson.dumps({"hosts": rows}), media_type="application/json")

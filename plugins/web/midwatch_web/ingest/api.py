"""Calls told by programs, and texts scanned for them."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_core import IntakeError, IntakeFullError
from midwatch_web.ingest.body import JSON, NDJSON, kind_of
from midwatch_web.ingest.documenting import INGEST, SCAN
from midwatch_web.ingest.problems import UnfitError, unfit
from midwatch_web.ingest.reading import read_calls
from midwatch_web.ingest.scans import answer_of, read_texts
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import caller_of, host_of, there
from midwatch_web.serving.bodies import body_of
from midwatch_web.serving.failures import failure

router = APIRouter(prefix="/api/v1")

MAX_INGEST_BYTES = 32 * 1024 * 1024
MAX_SCAN_BYTES = 8 * 1024 * 1024
_RETRY_S = 5


@router.post("/ingest", status_code=202, openapi_extra=INGEST)
async def ingest(request: Request) -> Response:
    """Take calls that no proxy saw, all or none: 202 when they are in the journal, before they are inspected.

    A role that sends calls is enough. 503 with `Retry-After` where there is no room: send the same again.
    """
    intake, caller = there(host_of(request).intake, "intake"), caller_of(request)
    kind = kind_of(request, JSON, NDJSON)
    async with request.app.state.uploads:
        body = await body_of(request, most_bytes=MAX_INGEST_BYTES)
        try:
            # Beside the loop: a large batch takes a while to be read.
            calls = await asyncio.to_thread(read_calls, body, kind)
            ids = await intake.take(caller, calls, source="rest")
        except UnfitError as error:
            return unfit(error)
        except IntakeFullError as error:
            refused = failure(request, 503, str(error))
            refused.headers["Retry-After"] = str(_RETRY_S)
            return refused
        except IntakeError as error:
            field = str(error).partition(":")[0] if error.index is not None else None
            return unfit(UnfitError(str(error), index=error.index, field=field))
    return json_answer({"ids": list(ids)}, 202)


@router.post("/scan", openapi_extra=SCAN)
async def scan(request: Request) -> Response:
    """Scan texts that belong to no call, under the policy in use: `results` in order, each as `scan --jsonl` has it.

    Nothing of it is kept. A role that sends calls is enough.
    """
    scanner, caller = there(host_of(request).scanner, "scanner"), caller_of(request)
    kind_of(request, JSON)
    async with request.app.state.uploads:
        body = await body_of(request, most_bytes=MAX_SCAN_BYTES)
    try:
        results = await scanner.scan(caller, await asyncio.to_thread(read_texts, body))
    except UnfitError as error:
        return unfit(error)
    except ValueError as error:  # more than is scanned in one go
        return unfit(UnfitError(str(error)))
    return json_answer({"results": [answer_of(item) for item in results]})

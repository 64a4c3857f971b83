"""Reports over the control socket: a message becomes what the desk does. Who asks here is the machine's own user."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from midwatch_core.access.caller import LOCAL
from midwatch_core.errors import StorageError
from midwatch_core.report_desk import ReportDesk, ReportError, ReportOrder
from midwatch_core.report_rows import kind_row, report_row

OPERATIONS = frozenset({"report_kinds", "report_order", "reports", "report", "report_rendered"})
"""What `answer_report` does: the values of a message's `op`."""

# A body above this has no room in one line of the socket once it is base64.
_MOST_BYTES = 40 * 1024 * 1024


async def answer_report(desk: ReportDesk, message: Mapping[str, Any]) -> dict[str, Any]:
    """`rows` of kinds or reports, the `row` of one, or a rendered `body` in base64; or an `error`."""
    try:
        match message.get("op"):
            case "report_kinds":
                return {"rows": [kind_row(kind) for kind in desk.kinds()]}
            case "reports":
                found = await desk.reports(LOCAL, limit=int(message.get("limit") or 100))
                return {"rows": [report_row(report) for report in found]}
            case "report_order":
                return {"row": report_row(await desk.order(LOCAL, str(message["kind"]), _order(message)))}
            case "report":
                report = await desk.report(LOCAL, str(message["id"]))
                return {"row": None if report is None else report_row(report)}
            case "report_rendered":
                return await _rendered(desk, str(message["id"]), str(message["form"]))
    except KeyError as error:
        return {"error": f"the question has no {error}"}
    except (ReportError, StorageError, ValueError, TypeError, OverflowError) as error:
        return {"error": str(error)}
    return {"error": f"no such question: {message.get('op')!r}"}


async def _rendered(desk: ReportDesk, report_id: str, form: str) -> dict[str, Any]:
    rendered = await desk.rendered(LOCAL, report_id, form)
    if rendered is None:
        return {"filename": None}
    if len(rendered.body) > _MOST_BYTES:
        return {"error": f"the report is too large to be handed over here: open it at /reports/{report_id}"}
    return {
        "filename": rendered.filename,
        "media_type": rendered.media_type,
        "body": base64.b64encode(rendered.body).decode(),
    }


def _order(message: Mapping[str, Any]) -> ReportOrder:
    tenant = message.get("tenant")
    return ReportOrder(
        tenant=None if tenant is None else str(tenant),
        since=datetime.fromisoformat(message["since"]),
        until=datetime.fromisoformat(message["until"]),
    )

"""Limits and budgets: what they are, what they refused, what is spent; the counterpart is `Host.installation`."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_web.costs.budgets import lines_of, words_of
from midwatch_web.serving.answers import json_answer
from midwatch_web.serving.asked import caller_of, host_of, there
from midwatch_web.serving.templating import page

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["costs"])


@api.get("/limits")
async def limits(request: Request) -> Response:
    """The limits that hold for your tenants, in the order of the configuration.

    `refused` counts calls that were refused or cut since Midwatch began, of all tenants: null for a tenant's key.
    """
    rows = there(host_of(request).installation, "settings of limits").limits(caller_of(request))
    return json_answer({"limits": rows})


@api.get("/budgets")
async def budgets(request: Request) -> Response:
    """The budgets that hold for your tenants: a row for each counter, at most 100 of one budget, most spent first.

    `spent_usd` is what the record says of this period; what calls under way have reserved is not in it.
    `projected_usd` is where a straight line ends, null early in a period.
    """
    rows = await there(host_of(request).installation, "settings of budgets").budgets(caller_of(request))
    return json_answer({"budgets": rows})


@pages.get("/costs/budgets")
async def governing(request: Request) -> Response:
    """Budgets with their meters, and limits."""
    installation, caller = there(host_of(request).installation, "settings of budgets"), caller_of(request)
    return page(
        request,
        "costs/budgets.html",
        budgets=lines_of(await installation.budgets(caller)),
        limits=[(row, words_of(row)) for row in installation.limits(caller)],
    )

"""The pages of rules and plugins: all of them by pack, one in full, the plugins, and a text to try."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import Part, Severity
from midwatch_web.rules.fired import fired
from midwatch_web.rules.listing import Wanted, packs_of
from midwatch_web.rules.trying import MOST_BYTES, tried
from midwatch_web.serving.asked import caller_of, installation_of
from midwatch_web.serving.forms import form_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/rules")
async def rules(
    request: Request,
    text: Annotated[str, Query(max_length=200)] = "",
    severity: str = "",
    only_fired: Annotated[str, Query(alias="fired")] = "",
) -> Response:
    """The rules of all packs."""
    wanted = Wanted(text=text.strip(), severity=_severity(severity), fired=bool(only_fired))
    rows = await asyncio.to_thread(installation_of(request).rules, caller_of(request))
    packs = list(packs_of(rows, await fired(request), wanted))
    return page(request, "rules/rules.html", packs=packs, wanted=wanted, severities=list(Severity), all=len(rows))


@router.get("/rules/try")
async def trying(request: Request) -> Response:
    """The form for a text."""
    return page(request, "rules/try.html", parts=list(Part), part=Part.USER, text="", result=None, problem="")


@router.post("/rules/try")
async def try_text(request: Request) -> Response:
    """What a text shows. Nothing of it is kept: so the answer is the page, and not a place to go to."""
    form = await form_of(request, most_bytes=MOST_BYTES)
    text, part = form.get("text", ""), _part(form.get("part", ""))
    try:
        result, problem = await tried(request, text, part), ""
    except ValueError as error:
        result, problem = None, str(error)
    return page(request, "rules/try.html", parts=list(Part), part=part, text=text, result=result, problem=problem)


@router.get("/rules/{rule_id:path}")
async def rule(request: Request, rule_id: str) -> Response:
    """One rule: what it matches, what it lets pass, its examples."""
    found = await asyncio.to_thread(installation_of(request).rule, caller_of(request), rule_id)
    if found is None:
        raise HTTPException(404, "There is no such rule in a pack in use.")
    counts = await fired(request)
    return page(request, "rules/rule.html", rule=found, spec=found["spec"], fired=counts.get(rule_id, 0))


@router.get("/plugins")
async def plugins(request: Request) -> Response:
    """The plugins: what each does, where, how long it takes and whether it fails."""
    return page(request, "rules/plugins.html", plugins=installation_of(request).plugins(caller_of(request)))


def _severity(said: str) -> Severity | None:
    """What is no severity asks for none."""
    return Severity(said) if said in list(Severity) else None


def _part(said: str) -> Part:
    if said not in list(Part):
        raise HTTPException(400, "Which part of a call the text is, is not one of the parts there are.")
    return Part(said)

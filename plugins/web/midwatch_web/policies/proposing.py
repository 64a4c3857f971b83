"""What the editor begins with: the policy in use, another's text, or one with an exception for a false positive."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from midwatch_core import (
    FindingRow,
    Policy,
    PolicyDesk,
    PolicyDeskError,
    PolicyStanding,
    exception_yaml,
    line_ruling,
    with_exception,
)
from midwatch_web.serving.asked import caller_of, host_of, queries_of, there


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text to edit, where it comes from, and what should be said of it. `piece` is what it has, or needs, besides."""

    text: str
    origin: str
    said: str = ""
    piece: str = ""


async def draft(request: Request, desk: PolicyDesk, *, start: str, version: int, finding_id: str) -> Draft:
    """The draft that is asked for; the policy in use where nothing is. Raises HTTPException and StorageError."""
    caller = caller_of(request)
    if start:
        shipped = await desk.shipped(caller)
        if start not in shipped:
            raise HTTPException(404, f"There is no shipped policy {start}.")
        return Draft(text=shipped[start], origin=f"the shipped policy {start}")
    if version:
        try:
            found = await desk.version(caller, version)
        except PolicyDeskError as error:
            raise HTTPException(404, str(error)) from error
        return Draft(text=found.text, origin=f"version {version} of {found.name}")
    standing = await desk.standing(caller)
    if finding_id:
        return await _with_exception(request, standing, finding_id)
    return Draft(text=standing.text, origin=f"the policy in use, {standing.id}")


async def _with_exception(request: Request, standing: PolicyStanding, finding_id: str) -> Draft:
    triaging = there(host_of(request).triaging, "triage")
    row = await queries_of(request).finding(finding_id)
    if row is None:
        raise HTTPException(404, "There is no such finding.")
    exception = triaging.exception_for(row)
    piece = f"- {exception_yaml(exception)}"
    origin = f"the policy in use, {standing.id}, with an exception for the finding {row.id}"
    line = await _line_of(request, standing, row)
    text = None if line is None else with_exception(standing.text, line, exception)
    if text is not None:
        said = f"The line {line} has this exception now. See that it is as narrow as it should be, and publish it."
        return Draft(text=text, origin=origin, said=said, piece=piece)
    where = "no line of the policy in use takes it" if line is None else f"put this among the exceptions of {line}"
    return Draft(
        text=standing.text,
        origin=f"the policy in use, {standing.id}",
        said=f"An exception for the finding {row.id} could not be put in: {where}.",
        piece=piece,
    )


async def _line_of(request: Request, standing: PolicyStanding, row: FindingRow) -> str | None:
    exchange = await queries_of(request).exchange(row.exchange_id)
    finding = next((item for item in exchange.findings if item.id == row.id), None) if exchange else None
    if exchange is None or finding is None:
        return None
    return line_ruling(Policy.load(standing.text.encode(), standing.id), finding, exchange)

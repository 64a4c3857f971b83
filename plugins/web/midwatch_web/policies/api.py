"""Policies, for programs: what is in use, its versions; texts checked, tried, published and rolled back."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from midwatch_core import MAX_NOTE, PolicyDeskError, PolicyVersion, Simulation
from midwatch_web.policies.asked import desk_of
from midwatch_web.serving.answers import json_answer, utc
from midwatch_web.serving.asked import caller_of, host_of
from midwatch_web.serving.bodies import JsonRoute, Nothing

router = APIRouter(prefix="/api/v1/policies", tags=["policies"], route_class=JsonRoute)

_WEEK = timedelta(days=7)
_EXAMPLE = "policy: {id: ours}\nlines:\n  - {id: secrets, when: {category: secret}, then: block}\n"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Text(_Body):
    """A policy as it is written, in YAML."""

    text: str = Field(description="The policy, in YAML.", examples=[_EXAMPLE])


class Trial(Text):
    """A policy to be tried, and on what: on the last seven days unless told otherwise."""

    since: datetime | None = Field(None, description="From this moment on; UTC where it has no offset.")
    until: datetime | None = Field(None, description="Before this moment.")
    limit: int = Field(1000, ge=1, le=5000, description="How many exchanges with findings are looked at, newest first.")


class Publication(Text):
    """A policy to be put into use."""

    note: str = Field("", max_length=MAX_NOTE, description="Why; it stands in the audit log.")


class Return(_Body):
    """Which version is to be in use again."""

    version: int = Field(ge=1, lt=2**31, description="A version of the policy in use.")


@router.get("")
async def policies(request: Request) -> Response:
    """The policy in use, with its text, and the shipped ones that one may begin from.

    `read_only` says why it can't be changed here: null where it can.
    """
    desk, caller = desk_of(request), caller_of(request)
    standing, shipped = await desk.standing(caller), await desk.shipped(caller)
    return json_answer(
        {
            "policy": {
                "id": standing.id,
                "source": standing.source,
                "version": standing.version,
                "read_only": standing.read_only,
                "text": standing.text,
            },
            "shipped": [{"name": name, "text": text} for name, text in shipped.items()],
        }
    )


@router.get("/versions")
async def versions(request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """What the policy in use has been, newest first; each one's text is at `/versions/{version}`."""
    found = await desk_of(request).versions(caller_of(request), limit=limit)
    return json_answer({"versions": [_row(version) for version in found]})


@router.get("/versions/{version}")
async def version(request: Request, version: Annotated[int, Path(ge=1, lt=2**31)]) -> Response:
    """One version with its text."""
    try:
        found = await desk_of(request).version(caller_of(request), version)
    except PolicyDeskError as error:
        raise HTTPException(404, str(error)) from error
    return json_answer({**_row(found), "text": found.text})


@router.post("/check")
async def check(request: Request, body: Text) -> Response:
    """Whether a text can be used as a policy: `problems`; and what is allowed but probably not meant: `doubts`."""
    told = await desk_of(request).check(caller_of(request), body.text)
    return json_answer({"sound": told.sound, "problems": told.problems, "doubts": told.doubts})


@router.post("/simulate")
async def simulate(request: Request, body: Trial) -> Response:
    """What a policy would have done otherwise to stored exchanges, by the findings they have."""
    since = utc(body.since) or host_of(request).clock.now() - _WEEK
    told = await desk_of(request).simulate(
        caller_of(request), body.text, since=since, until=utc(body.until), limit=body.limit
    )
    return json_answer(_simulation(told))


@router.post("/publish")
async def publish(request: Request, body: Publication) -> Response:
    """Put a policy into use, in all processes and on all nodes; it becomes a version. For operators and admins."""
    return json_answer(_row(await desk_of(request).publish(caller_of(request), body.text, note=body.note)))


@router.post("/roll_back")
async def roll_back(request: Request, body: Return) -> Response:
    """Put an earlier version into use again: it becomes the newest. For operators and admins."""
    return json_answer(_row(await desk_of(request).roll_back(caller_of(request), body.version)))


@router.post("/withdraw")
async def withdraw(request: Request, body: Nothing) -> Response:
    """Use what the configuration names again. For operators and admins."""
    await desk_of(request).withdraw(caller_of(request))
    return json_answer({"withdrawn": True})


def _row(version: PolicyVersion) -> dict[str, object]:
    return {
        "id": version.name,
        "version": version.version,
        "author": version.author,
        "created_at": version.created_at.isoformat(),
    }


def _simulation(told: Simulation) -> dict[str, object]:
    return {
        "looked_at": told.looked_at,
        "changed": told.changed,
        "changes": dict(told.changes),
        "rows": list(told.rows),
        "cut": told.cut,
    }

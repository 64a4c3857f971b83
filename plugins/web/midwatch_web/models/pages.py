"""The page of models."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_core import Role
from midwatch_web.charts.figure import Figure
from midwatch_web.models.asked import models_for
from midwatch_web.models.distribution import distribution
from midwatch_web.models.model import STATES, Model
from midwatch_web.models.rows import AGREEMENT, row_of
from midwatch_web.serving.asked import host_of
from midwatch_web.serving.templating import page

router = APIRouter(include_in_schema=False)

_VERDICTS = {"stable": "good", "moved": "odd", "drifted": "bad"}
_AGREED = {
    "both": "It and those that act",
    "only_shadow": "It alone",
    "only_acting": "Those that act, and it not",
    "neither": "Nobody",
}


@router.get("/models")
async def models(request: Request) -> Response:
    """Every model: how it stands, how quick it is, what it scored."""
    found = models_for(request)
    return page(
        request,
        "models/models.html",
        models=[(row_of(model), _figure(model)) for model in found],
        looks=STATES,
        verdicts=_VERDICTS,
        agreed=[(key, _AGREED[key]) for key in AGREEMENT],
        alone=host_of(request).role is Role.FACE,
    )


def _figure(model: Model) -> Figure | None:
    """Its scores; None where it has given none."""
    if model.scores is None or not model.scores.count:
        return None
    return distribution("Scores", model.scores, model.expected)

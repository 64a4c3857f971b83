"""Models for programs."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from midwatch_web.models.asked import models_for
from midwatch_web.models.rows import row_of
from midwatch_web.serving.answers import json_answer

router = APIRouter(prefix="/api/v1")


@router.get("/models")
async def models(request: Request) -> Response:
    """How every model stands: what is loaded, its processes, what became of texts, times, scores and their drift.

    For callers of no one tenant. Times, batches and scores are of all processes since each began.
    """
    return json_answer({"models": [row_of(model) for model in models_for(request)]})

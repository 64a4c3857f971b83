"""A conversation as asked for by its id."""

from starlette.exceptions import HTTPException

from midwatch_core import Outline, Queries


async def outline_of(queries: Queries, trace_id: str) -> Outline:
    """The outline of a trace that has a line. Raises HTTPException."""
    outline = await queries.outline(trace_id)
    if not outline.lines:
        raise HTTPException(404, "There is no such trace, or it is older than what is kept.")
    return outline

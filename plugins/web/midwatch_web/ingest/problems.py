"""What is wrong with what a program sent, by its place: the item's number and the field."""

import orjson
from pydantic import ValidationError
from starlette.responses import Response

# A validator's word on a value may quote it; nobody needs a text of a megabyte back.
_LONGEST = 300


class UnfitError(Exception):
    """An item that can't be taken. `index` is its number, None where it is the whole; `field` is its place inside."""

    def __init__(self, message: str, *, index: int | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.index = index
        self.field = field

    @classmethod
    def of(cls, error: ValidationError, index: int | None = None) -> "UnfitError":
        """The first of what a model refused."""
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        return cls(f"{field}: {first['msg']}" if field else first["msg"], index=index, field=field or None)


def unfit(error: UnfitError) -> Response:
    """422 as problem+json (RFC 9457), with `index` and `field` beside its own members."""
    problem = {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": str(error)[:_LONGEST],
        "index": error.index,
        "field": error.field,
    }
    return Response(orjson.dumps(problem), 422, media_type="application/problem+json")

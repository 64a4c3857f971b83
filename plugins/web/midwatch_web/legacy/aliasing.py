"""What all aliases share: the headers that name their successor, and pages for browsers that come by an old path."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from midwatch_web.serving.answers import json_answer

# When the paths became deprecated, as RFC 9745 writes it: the first release had them as aliases from the beginning.
_DEPRECATED = "@1795651200"


def wants_page(request: Request) -> bool:
    """Whether a browser asks: of one of the bare paths it wants the page."""
    under_api = request.url.path.startswith("/api/")
    return not under_api and "text/html" in request.headers.get("accept", "")


def aliased(document: object, successor: str, status: int = 200) -> Response:
    """An answer of an old shape. `successor` is the path that takes this one's place (RFC 9745, RFC 5829)."""
    answer = json_answer(document, status)
    answer.headers["Deprecation"] = _DEPRECATED
    answer.headers["Link"] = f'<{successor}>; rel="successor-version"'
    return answer


async def page_or(request: Request, place: str, answer: Callable[[], Awaitable[Response]]) -> Response:
    """The page at `place` for a browser, else the answer."""
    return RedirectResponse(place, 303) if wants_page(request) else await answer()


def paginated(items: list[object], total: int, limit: int, offset: int) -> dict[str, object]:
    """A page as the predecessor gives it."""
    return {"data": items, "total": total, "limit": limit, "offset": offset}

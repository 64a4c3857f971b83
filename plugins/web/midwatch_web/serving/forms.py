"""Forms that pages send: their fields, from our own pages alone."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from midwatch_web.serving.bodies import body_of


async def form_of(request: Request, *, most_bytes: int = 64 * 1024) -> Mapping[str, str]:
    """The fields of a urlencoded form that one of our own pages sent; of several values the last.

    Raises HTTPException: 403 for another site's form, 408 and 413 as `body_of`, 415 for another kind.
    """
    check_same_site(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "A form of a page is expected here.")
    body = await body_of(request, most_bytes=most_bytes)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def check_same_site(request: Request) -> None:
    """Another site's page can post here: its browser says so. Raises HTTPException."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = site not in (None, "same-origin", "none")
    if foreign or (origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")):
        raise HTTPException(403, "This form was sent by another site.")

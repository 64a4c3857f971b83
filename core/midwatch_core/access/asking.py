"""The key that a request shows: the same words for every face, so that one key opens them all alike."""

from midwatch_core.access.caller import LOCAL, Access, Caller


def key_shown(authorization: str | None, own: str | None) -> str:
    """The key in `Authorization: Bearer …` or in `X-Midwatch-Key`; empty where neither has one."""
    scheme, _, given = (authorization or "").partition(" ")
    return own or (given.strip() if scheme.lower() == "bearer" else "")


def caller_showing(access: Access | None, authorization: str | None, own: str | None) -> Caller | None:
    """Who shows these headers: LOCAL where no key is asked for; None for a key that is none, or where one is needed."""
    if access is None or not access.required:
        return LOCAL
    key = key_shown(authorization, own)
    return access.caller(key) if key else None

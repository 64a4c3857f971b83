"""How long something lasts, in words."""

from datetime import timedelta

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def lasting(span: timedelta) -> str:
    """The two largest units: `40 s`, `5 min`, `2 h 05 min`, `3 d 4 h`; never less than nothing."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE:02d} min"
    return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"

"""Things that are kept for a time: a value, a lease."""

from math import inf

# Each new thing has this many others looked at: what is out of time goes, and never much more stays than is in use.
_LOOKED_AT = 2


class Passing[T]:
    """Things by name, each until its moment, in seconds of a clock that never steps back."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[T, float]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: str, now_s: float) -> T | None:
        """The thing, None where there is none or its time is over."""
        thing, until_s = self._kept.get(name, (None, inf))
        return thing if now_s < until_s else None

    def left(self, name: str, now_s: float) -> float | None:
        """The seconds it has left; None where there is none."""
        kept = self._kept.get(name)
        return kept[1] - now_s if kept is not None and now_s < kept[1] else None

    def keep(self, name: str, thing: T, until_s: float, now_s: float) -> None:
        """Keep a thing, in place of the one of its name."""
        self._kept.pop(name, None)
        for _ in range(min(_LOOKED_AT, len(self._kept))):
            oldest = next(iter(self._kept))
            looked_at = self._kept.pop(oldest)
            if now_s < looked_at[1]:
                self._kept[oldest] = looked_at
        self._kept[name] = (thing, until_s)

    def forget(self, name: str, now_s: float) -> bool:
        """Whether it was there."""
        kept = self._kept.pop(name, None)
        return kept is not None and now_s < kept[1]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

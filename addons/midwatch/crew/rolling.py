"""What to do next so that what runs becomes what is wanted: one step at a time, the fewest calls troubled."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from midwatch.crew.wanted import Settled, Wanted, changed

# A worker that is above its ceiling from its first breath would be replaced for ever: it is, but not more often.
MIN_LIFE_S = 60.0


class Act(StrEnum):
    """What is done. `REPLACE`: another worker takes over, and the old one ends when its calls have."""

    ADD = "add"
    END = "end"
    REPLACE = "replace"
    RENEW_CONTROL = "renew control"


class Why(StrEnum):
    """Why a worker is replaced."""

    SETTINGS = "settings"
    MEMORY = "memory"
    AGE = "age"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act; `says` is the reason as a person reads it, `index` the worker's."""

    act: Act
    index: int = 0
    why: Why = Why.SETTINGS
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A worker at a look: the settings that it started by, its life so far, and whether it may be replaced now.

    `large` says that it is above its ceiling; `waits` that its predecessor still ends, or that a try failed just now.
    """

    settled: Settled
    lived_s: float
    large: bool = False
    waits: bool = False


def next_step(wanted: Wanted, workers: Sequence[Seen], control: Settled, *, may_add: bool = True) -> Step | None:
    """The next step, None where all is as it should be. `control` are the settings that control started by; `may_add`
    is not where a worker that was to be added failed to start just now.

    Control goes first where the store is another: workers may hand over to that alone. Else it goes last, for it is
    the one that there is only one of.
    """
    of_control = changed(control, wanted.for_control)
    if any(name.partition(".")[0] == "storage" for name in of_control):
        return _renew(of_control)
    if len(workers) < wanted.workers and may_add:
        return Step(act=Act.ADD, index=len(workers))
    if len(workers) > wanted.workers:
        return Step(act=Act.END, index=len(workers) - 1)
    replacing = (_replace(index, seen, wanted) for index, seen in enumerate(workers) if not seen.waits)
    step = next((step for step in replacing if step is not None), None)
    return step or (_renew(of_control) if of_control else None)


def is_settled(wanted: Wanted, workers: Sequence[Seen]) -> bool:
    """Whether all workers are there, by the settings that are wanted; some may have to wait for that."""
    return len(workers) == wanted.workers and all(not changed(seen.settled, wanted.for_workers) for seen in workers)


def _renew(names: Sequence[str]) -> Step:
    return Step(act=Act.RENEW_CONTROL, says=_named(names))


def _replace(index: int, seen: Seen, wanted: Wanted) -> Step | None:
    if names := changed(seen.settled, wanted.for_workers):
        return Step(act=Act.REPLACE, index=index, says=_named(names))
    if seen.lived_s < MIN_LIFE_S:
        return None
    if seen.large:
        said = f"more than {wanted.memory_bytes // 1024**2} MB of memory"
        return Step(act=Act.REPLACE, index=index, why=Why.MEMORY, says=said)
    if 0 < wanted.age_s <= seen.lived_s:
        return Step(act=Act.REPLACE, index=index, why=Why.AGE, says=f"{seen.lived_s / 3600:.1f} hours of age")
    return None


def _named(names: Sequence[str]) -> str:
    return f"news of {', '.join(names)}"

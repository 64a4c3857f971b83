"""The steps of one conversation, and whether they go in a circle: one step, or two or three in turn, again and again.

A pure state machine: the steps bring their time with them.
"""

from collections import deque
from dataclasses import dataclass, field

from midwatch_anomaly.looping.limits import LoopLimits
from midwatch_anomaly.looping.step import Step

LONGEST_CYCLE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A cycle of `tools` gone through `count` times since `since_s`, seconds since 1970, for `cost_usd` in all.

    `tools` is empty where the same is said, and the same answered. `is_new`: it was not told before.
    """

    tools: tuple[str, ...]
    count: int
    since_s: float
    cost_usd: float
    is_new: bool


@dataclass(slots=True)
class _Run:
    """Steps in a row that do what was done `period` steps before; of the last `same` that brought the same, too."""

    period: int
    steps: int = 0
    same: int = 0
    since_s: float = 0.0
    waited_s: float = 0.0
    cost_usd: float = 0.0

    @property
    def count(self) -> int:
        """How often the cycle was gone through, the first time included."""
        return self.steps // self.period + 1

    def add(self, past: deque[Step], step: Step) -> None:
        """Take the step after those of the past."""
        before = past[-self.period] if len(past) >= self.period else None
        if before is None or before.did != step.did:
            self.steps = self.same = 0
            return
        if not self.steps:
            self.since_s, self.waited_s = before.started_s, 0.0
            self.cost_usd = sum(item.cost_usd for item in list(past)[-self.period :])
        self.steps += 1
        self.same = self.same + 1 if before.told == step.told else 0
        self.waited_s += max(0.0, step.started_s - past[-1].ended_s)
        self.cost_usd += step.cost_usd

    def is_loop(self, limits: LoopLimits, now_s: float, *, sure: bool) -> bool:
        """Whether it is one by these limits. The first time round brought what nothing before it did."""
        needed = limits.needed(self.period)
        if self.count < needed:
            return False
        stuck = self.same >= self.period * (needed - 2)
        busy = self.waited_s < limits.wait_s * self.steps
        if not (stuck and busy) and not sure:
            return False
        if not (stuck and busy and sure):
            needed *= limits.lax_factor
        took_s = max(0.0, now_s - self.since_s)
        return self.count >= needed and took_s * (needed - 1) <= limits.window_s * (self.count - 1)


def _runs() -> tuple[_Run, ...]:
    return tuple(_Run(period) for period in range(1, LONGEST_CYCLE + 1))


@dataclass(slots=True)
class Row:
    """One conversation's."""

    past: deque[Step] = field(default_factory=lambda: deque(maxlen=LONGEST_CYCLE))
    runs: tuple[_Run, ...] = field(default_factory=_runs)
    told: bool = False

    def add(self, step: Step, limits: LoopLimits, *, sure: bool = True) -> Circle | None:
        """Take the next step; the circle that it goes in, the shortest, or None. `sure`: it is one conversation's."""
        for each in self.runs:
            each.add(self.past, step)
        self.past.append(step)
        run = next((each for each in self.runs if each.is_loop(limits, step.started_s, sure=sure)), None)
        if run is None:
            self.told = False
            return None
        is_new, self.told = not self.told, True
        tools = (name for item in list(self.past)[-run.period :] for name in item.tools)
        return Circle(
            tools=tuple(dict.fromkeys(tools)),
            count=run.count,
            since_s=run.since_s,
            cost_usd=run.cost_usd,
            is_new=is_new,
        )

"""Requests that are asked again, word for word, as soon as they were answered. A pure state machine."""

from dataclasses import dataclass

from midwatch_anomaly.looping.limits import LoopLimits
from midwatch_anomaly.looping.row import Circle


@dataclass(slots=True)
class Asked:
    """One request of one asker.

    Only what is asked after the answer came counts: several answers asked for at once are a choice. Whoever asks with
    long waits in between, a health check, is in no hurry: that is no loop.
    """

    since_s: float
    ended_s: float
    cost_usd: float
    last_id: str
    count: int = 1
    told: bool = False

    def again(
        self, exchange_id: str, started_s: float, ended_s: float, cost_usd: float, limits: LoopLimits
    ) -> Circle | None:
        """Asked once more; the circle, where it is one by now."""
        if exchange_id == self.last_id:
            return None
        waited_s = started_s - self.ended_s
        if waited_s > limits.wait_s:
            self.since_s, self.cost_usd, self.count, self.told = started_s, 0.0, 0, False
        elif waited_s < 0:
            self.ended_s = max(self.ended_s, ended_s)
            return None
        self.last_id, self.ended_s = exchange_id, ended_s
        self.count += 1
        self.cost_usd += cost_usd
        took_s = started_s - self.since_s
        if self.count < limits.repeats or took_s * (limits.repeats - 1) > limits.window_s * (self.count - 1):
            return None
        is_new, self.told = not self.told, True
        return Circle(tools=(), count=self.count, since_s=self.since_s, cost_usd=self.cost_usd, is_new=is_new)

"""The reviewer of a process: the engine over its detectors, and the policy in use."""

from midwatch.pool.pool import ScanPool
from midwatch.settings import Settings, policy_of
from midwatch_core.clock import Clock
from midwatch_core.engine import Engine
from midwatch_core.metrics import Metrics
from midwatch_core.reviewing import Reviewer


def reviewer_of(settings: Settings, pool: ScanPool | None, clock: Clock, metrics: Metrics) -> Reviewer:
    """A reviewer; detectors that are not to run here run in the pool. Raises ConfigError."""
    deadline_s = settings.config.plugins.deadline_s
    engine = Engine(settings.plugins, clock=clock, elsewhere=pool, deadline_s=deadline_s)
    return Reviewer(engine, policy_of(settings), settings.home.hash_key(), clock, metrics)

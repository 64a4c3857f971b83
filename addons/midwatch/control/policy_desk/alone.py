"""The desk of a command where no control lives: what it publishes holds from the next start on."""

from midwatch.control.policy_desk.desk import Desk
from midwatch.control.policy_desk.publishing import Publishing
from midwatch.control.policy_desk.room import read_only
from midwatch.settings import Settings, policy_is_shipped, policy_of
from midwatch_core.clock import SystemClock
from midwatch_core.policy import Policy
from midwatch_core.ports import MetadataRepository, TraceRepository
from midwatch_core.queries import Queries


def desk_alone(settings: Settings, metadata: MetadataRepository, traces: TraceRepository) -> Desk:
    """The desk over these settings, in whose home no process has to be told."""
    clock, named = SystemClock(), settings.config.policy

    def in_use() -> Policy:
        return policy_of(settings)

    publishing = Publishing(
        settings.home,
        metadata,
        clock,
        read_only=lambda: read_only(named, shipped=policy_is_shipped(settings.plugins, named)),
        changed=_nobody,
        in_use=in_use,
    )
    return Desk(
        home=settings.home,
        plugins=settings.plugins,
        publishing=publishing,
        metadata=metadata,
        queries=Queries(traces=traces, metadata=metadata),
        clock=clock,
        in_use=in_use,
    )


async def _nobody() -> None:
    """There is no process to tell."""

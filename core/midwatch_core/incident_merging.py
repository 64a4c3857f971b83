"""Incidents that several processes keep: what holds of two states of one."""

from dataclasses import replace

from midwatch_core.model.incident import Incident


def merge_incidents(kept: Incident, given: Incident) -> Incident:
    """What a repository keeps where it has `kept` and is `given` one of the same id.

    Who took it on and when it ended stay as they were kept; `severity`, `count` and `last_at` never fall; all else is
    of the one whose `last_at` is later, of equal ones the given.
    """
    later = given if given.last_at >= kept.last_at else kept
    taken_on = given if kept.acknowledged_at is None else kept
    return replace(
        later,
        severity=max(kept.severity, given.severity, key=lambda severity: severity.rank),
        count=max(kept.count, given.count),
        acknowledged_at=taken_on.acknowledged_at,
        acknowledged_by=taken_on.acknowledged_by,
        resolved_at=given.resolved_at if kept.resolved_at is None else kept.resolved_at,
    )

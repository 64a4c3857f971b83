"""Alerts, channels and messages as programs get them."""

from datetime import datetime

from midwatch_core import ChannelRow, Delivery, Incident


def incident_row(incident: Incident) -> dict[str, object]:
    """One alert over its life."""
    return {
        "id": incident.id,
        "state": incident.state.value,
        "severity": incident.severity.value,
        "category": incident.category,
        "title": incident.title,
        "tenant": incident.tenant,
        "began_at": _written(incident.began_at),
        "last_at": _written(incident.last_at),
        "count": incident.count,
        "acknowledged_at": _written(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by,
        "resolved_at": _written(incident.resolved_at),
        "fingerprint": incident.fingerprint,
        "details": dict(incident.details),
    }


def channel_row(channel: ChannelRow) -> dict[str, object]:
    """One channel, and how it does."""
    return {
        "name": channel.name,
        "kind": channel.kind,
        "waiting": channel.waiting,
        "dead": channel.dead,
        "sent": channel.sent,
        "last_sent_at": _written(channel.last_sent_at),
        "paused_until": _written(channel.paused_until),
        "problem": channel.problem,
    }


def delivery_row(delivery: Delivery) -> dict[str, object]:
    """One message to one channel."""
    return {
        "id": delivery.id,
        "channel": delivery.channel,
        "state": delivery.state.value,
        "title": delivery.title,
        "incidents": list(delivery.incidents),
        "made_at": _written(delivery.made_at),
        "attempts": delivery.attempts,
        "sent_at": _written(delivery.sent_at),
        "next_at": _written(delivery.next_at),
        "problem": delivery.problem,
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

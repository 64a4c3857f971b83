"""`alerts preview`: what messages look like, with an incident made up for it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from midwatch_alerts.making import message_for_test
from midwatch_alerts.message import Message, MessageKind, Told
from midwatch_alerts.settings import Settings
from midwatch_alerts.wording.words import text_of
from midwatch_alerts.wording.writing import Writer
from midwatch_core import ConfigError, Host, Severity, uuid7

_DETAILS = {
    "value": "412.80 USD an hour",
    "baseline": "3.10 USD an hour",
    "deviations": "8.4 σ",
    "contributors": "agent build-bot 96 %, model gpt-5 98 %",
}


def preview(settings: Settings, host: Host, channel: str | None, kind: str | None) -> int:
    """Print the messages. Raises ConfigError for a channel that is none."""
    writer = Writer(_template(settings, channel))
    for message in _samples(settings, host.clock.now(), channel or "preview"):
        if kind in (None, message.kind.value):
            words = writer.words(message)
            print(f"--- {message.kind.value}\n{words.subject}\n\n{text_of(words)}\n")
    return 0


def _template(settings: Settings, channel: str | None) -> str | None:
    if channel is None:
        return None
    for one in settings.channels:
        if one.name == channel:
            return one.template
    raise ConfigError(f"alerts: there is no channel {channel!r}")


def _samples(settings: Settings, at: datetime, channel: str) -> Iterator[Message]:
    for kind in MessageKind:
        message_id = uuid7(at.timestamp())
        if kind is MessageKind.TEST:
            yield message_for_test(settings.installation, message_id, at)
            continue
        told = _told(settings, at, kind, channel)
        yield Message(
            id=message_id,
            kind=kind,
            key="midwatch-preview",
            severity=told.severity,
            title=told.title if kind is not MessageKind.DIGEST else "3 alerts that are not urgent",
            incidents=(told,),
            made_at=at,
            installation=settings.installation,
            more=2 if kind is MessageKind.DIGEST else 0,
        )


def _told(settings: Settings, at: datetime, kind: MessageKind, channel: str) -> Told:
    incident_id = uuid7(at.timestamp())
    base = settings.console_url
    resolved, acknowledged = kind is MessageKind.RESOLVED, kind is MessageKind.ACKNOWLEDGED
    return Told(
        incident_id=incident_id,
        fingerprint="anomaly:acme:tenant:acme:cost_usd:high",
        category="anomaly",
        severity=Severity.LOW if kind is MessageKind.DIGEST else Severity.HIGH,
        title="Cost of acme is far above what is usual",
        tenant="acme",
        began_at=at - timedelta(minutes=12),
        last_at=at,
        count=12,
        details=_DETAILS,
        acknowledged_by=f"link:{channel}" if acknowledged else "",
        resolved_at=at if resolved else None,
        page=f"{base}/alerts/{incident_id}" if base else "",
        acknowledge=f"{base}/alerts/acknowledge/TOKEN" if base and not (resolved or acknowledged) else "",
    )

"""Messages that the tests of channels send."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from midwatch_alerts.channels.channel import Channel
from midwatch_alerts.channels.opening import House, open_channel
from midwatch_alerts.channels.settings import ChannelSettings
from midwatch_alerts.message import Message, MessageKind, Told
from midwatch_core import Severity

AT = datetime(2026, 11, 26, 10, 30, tzinfo=UTC)

COST = Told(
    incident_id="0199-cost",
    fingerprint="anomaly:acme:agent:crawler:cost_usd:high",
    category="anomaly",
    severity=Severity.HIGH,
    title="Cost of the agent crawler is 9 σ above its usual",
    tenant="acme",
    began_at=AT - timedelta(minutes=5),
    last_at=AT,
    count=12,
    details={"value": "41.20 USD", "baseline": "3.10 USD", "sigma": "4.2", "since": "10:25 UTC"},
    page="https://console.example/alerts/0199-cost",
    acknowledge="https://console.example/alerts/acknowledge/a.b-c",
)

BEGAN = Message(
    id="msg-1",
    kind=MessageKind.BEGAN,
    key="midwatch-0a1b2c",
    severity=Severity.HIGH,
    title=COST.title,
    incidents=(COST,),
    made_at=AT,
)
SUBJECT = "[Midwatch] HIGH: Cost of the agent crawler is 9 σ above its usual"

# Mentions, markup and links of every service, characters that turn or hide others, and half a surrogate pair.
HOSTILE = (
    "@everyone <!here> <!channel|x> <@U1> <at>Eve</at> @channel <b onload=x>bold</b> **b** [click](https://evil.example)"
    " `code` ~s~ <script>alert(1)</script> https://evil.example/x \u202egnp.exe\u2066 a\u200bb \x00\x07\x1b[31m "
    "\ud800 & \r\nBcc: eve@evil.example\n# head"
)


def of_kind(kind: MessageKind, **changes: Any) -> Message:
    """The message of the same incident at another moment of its life."""
    told = COST
    if kind is MessageKind.ACKNOWLEDGED:
        told = replace(COST, acknowledged_by="ops-key", acknowledge="")
    if kind is MessageKind.RESOLVED:
        told = replace(COST, resolved_at=AT + timedelta(minutes=30), acknowledge="")
    return replace(BEGAN, **{"id": f"msg-{kind.value}", "kind": kind, "incidents": (told,), **changes})


def hostile(text: str = HOSTILE) -> Message:
    """A message whose every text is `text`."""
    told = replace(COST, title=text, tenant=text, category=text, fingerprint=text, details={text: text})
    return replace(BEGAN, title=text, incidents=(told,), installation=text, id=text, key=text)


def huge() -> Message:
    """A message of forty incidents, with titles and details of a megabyte."""
    many = "<&*@ä_" * 170_000
    told = replace(COST, title=many, details={f"{number} {many[:100]}": many for number in range(40)})
    return replace(BEGAN, title=many, incidents=(told,) * 40, more=960)


def opener(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Channel]:
    """Opens a channel of settings as a file has them: `secrets` become variables, named in capitals."""

    def opened(secrets: dict[str, str], house: Mapping[str, object] | None = None, **settings: Any) -> Channel:
        for name, value in secrets.items():
            monkeypatch.setenv(name, value)
        adapter: TypeAdapter[ChannelSettings] = TypeAdapter(ChannelSettings)
        one = adapter.validate_python({"name": "ops", **settings})
        return open_channel(one, House(version="1.2", settings=house or {}))

    return opened

"""PagerDuty, Opsgenie and a signed webhook: what a real receiver gets over an incident's life."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from midwatch_alerts.channels import opsgenie, pagerduty, webhook
from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_alerts.message import MessageKind
from midwatch_alerts.wording.writing import Writer
from midwatch_core import ConfigError, Severity
from tests.plugins.alerts.channels.receiver import Receiver
from tests.plugins.alerts.channels.told_messages import BEGAN, COST, SUBJECT, hostile, huge, of_kind

Opened = Callable[..., Channel]
ROUTING_KEY = "r" * 32
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


async def test_pagerduty_gets_a_trigger_an_acknowledgement_and_an_end_of_one_key(
    receiver: Receiver, opened: Opened
) -> None:
    receiver.answer(202, {"status": "success", "message": "Event processed", "dedup_key": "midwatch-0a1b2c"})
    channel = opened({"KEY": ROUTING_KEY}, kind="pagerduty", routing_key="${KEY}", base_url=receiver.url)
    for kind in (MessageKind.BEGAN, MessageKind.ACKNOWLEDGED, MessageKind.RESOLVED):
        await channel.send(of_kind(kind))
    await channel.close()
    assert {(taken.method, taken.target) for taken in receiver.taken} == {("POST", "/v2/enqueue")}
    trigger, acknowledge, resolve = (taken.document() for taken in receiver.taken)
    assert trigger == {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": "midwatch-0a1b2c",
        "client": "Midwatch",
        "client_url": COST.page,
        "links": [{"href": COST.page, "text": "See it"}, {"href": COST.acknowledge, "text": "Acknowledge"}],
        "payload": {
            "summary": SUBJECT,
            "source": "Midwatch",
            "severity": "error",
            "timestamp": "2026-11-26T10:30:00+00:00",
            "class": "anomaly",
            "group": "acme",
            "custom_details": trigger["payload"]["custom_details"],
        },
    }
    details = trigger["payload"]["custom_details"]
    assert (details["baseline"], details["Tenant"], "What to do" in details) == ("3.10 USD", "acme", True)
    key = {"routing_key": ROUTING_KEY, "dedup_key": "midwatch-0a1b2c"}
    assert acknowledge == {**key, "event_action": "acknowledge"}
    assert resolve == {**key, "event_action": "resolve"}


def test_pagerduty_keeps_its_limits() -> None:
    for message in (hostile(), huge()):
        event = pagerduty.event_of(Writer().words(message), message)
        assert len(event["payload"]["summary"]) <= 1024
        assert len(event["dedup_key"]) <= 255
        assert len(json.dumps(event)) < 512 * 1024
    severities = [
        pagerduty.event_of(Writer().words(BEGAN), of_kind(MessageKind.BEGAN, severity=severity))["payload"]["severity"]
        for severity in Severity
    ]
    assert severities == ["info", "info", "warning", "error", "critical"]


@pytest.mark.parametrize(
    ("status", "document", "headers", "refused", "wait_s"),
    [
        (200, {"status": "invalid event", "errors": ["no"]}, {}, False, None),
        (202, {}, {}, False, None),
        (400, {"status": "invalid event", "errors": [f"routing_key {ROUTING_KEY} is incorrect"]}, {}, True, None),
        (429, {}, {"retry_after": "60"}, False, 60.0),
        (503, {}, {}, False, None),
    ],
)
async def test_pagerduty_is_believed_only_where_it_says_success(
    status: int,
    document: dict[str, Any],
    headers: dict[str, str],
    refused: bool,
    wait_s: float | None,
    receiver: Receiver,
    opened: Opened,
) -> None:
    receiver.answer(status, document, **headers)
    channel = opened({"KEY": ROUTING_KEY}, kind="pagerduty", routing_key="${KEY}", base_url=receiver.url)
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.refused, caught.value.wait_s) == (refused, wait_s)
    assert ROUTING_KEY not in str(caught.value)


async def test_opsgenie_gets_an_alert_its_acknowledgement_and_its_end_by_alias(
    receiver: Receiver, opened: Opened
) -> None:
    receiver.answer(202, {"result": "Request will be processed", "took": 0.1, "requestId": "43a29c5c"})
    channel = opened({"KEY": "genie-key-1"}, kind="opsgenie", api_key="${KEY}", base_url=f"{receiver.url}/")
    for kind in (MessageKind.BEGAN, MessageKind.ACKNOWLEDGED, MessageKind.RESOLVED):
        await channel.send(of_kind(kind))
    await channel.close()
    assert [(taken.method, taken.target) for taken in receiver.taken] == [
        ("POST", "/v2/alerts"),
        ("POST", "/v2/alerts/midwatch-0a1b2c/acknowledge?identifierType=alias"),
        ("POST", "/v2/alerts/midwatch-0a1b2c/close?identifierType=alias"),
    ]
    assert {taken.headers["authorization"] for taken in receiver.taken} == {"GenieKey genie-key-1"}
    alert, acknowledged, closed = (taken.document() for taken in receiver.taken)
    assert alert["message"] == SUBJECT
    assert (alert["alias"], alert["priority"], alert["source"], alert["entity"], alert["tags"]) == (
        "midwatch-0a1b2c",
        "P2",
        "midwatch",
        "acme",
        ["midwatch", "anomaly"],
    )
    assert (alert["details"]["sigma"], "baseline: 3.10 USD" in alert["description"]) == ("4.2", True)
    assert acknowledged == {"source": "midwatch", "note": f"[Midwatch] Acknowledged: HIGH: {COST.title}"}
    assert closed == {"source": "midwatch", "note": f"[Midwatch] Resolved: {COST.title}"}


async def test_opsgenie_is_told_the_priority_of_what_got_worse(receiver: Receiver, opened: Opened) -> None:
    receiver.answer(202, {"requestId": "43a29c5c"})
    channel = opened({"KEY": "genie-key-1"}, kind="opsgenie", api_key="${KEY}", base_url=receiver.url)
    await channel.send(of_kind(MessageKind.WORSE, severity=Severity.CRITICAL))
    await channel.close()
    assert receiver.taken[0].document()["priority"] == "P1"
    assert (receiver.taken[1].method, receiver.taken[1].target, receiver.taken[1].document()) == (
        "PUT",
        "/v2/alerts/midwatch-0a1b2c/priority?identifierType=alias",
        {"priority": "P1"},
    )


def test_opsgenie_keeps_its_limits_and_gets_no_tags() -> None:
    for message in (hostile(), huge()):
        ((_, path, alert),) = opsgenie.requests_of(Writer().words(message), message)
        assert path == "/v2/alerts"
        assert len(alert["message"]) <= 130
        assert len(alert["alias"]) <= 512
        assert len(alert["description"]) <= 15_000
        assert sum(len(name) + len(value) for name, value in alert["details"].items()) <= 8000
        assert all(len(tag) <= 50 for tag in alert["tags"])
        assert "<" not in alert["description"]


@pytest.mark.parametrize(
    ("status", "document", "refused"),
    [
        (200, {"message": "Key format is not valid!", "took": 0.0}, False),
        (422, {"message": "Request body is not processable", "requestId": "x"}, True),
        (403, {"message": "You are not authorized", "requestId": "x"}, True),
        (429, {"message": "You are making too many requests!"}, False),
        (503, {}, False),
    ],
)
async def test_opsgenie_is_believed_only_with_a_request_of_its_own(
    status: int, document: dict[str, Any], refused: bool, receiver: Receiver, opened: Opened
) -> None:
    receiver.answer(status, document)
    channel = opened({"KEY": "genie-key-1"}, kind="opsgenie", api_key="${KEY}", base_url=receiver.url)
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert caught.value.refused is refused


async def test_a_webhook_is_signed_as_standard_webhooks_say(receiver: Receiver, opened: Opened) -> None:
    receiver.answer(204)
    secrets = {"HMAC_KEY": SECRET, "TOKEN": "t0ken"}
    headers = {"Authorization": "Bearer ${TOKEN}"}
    channel = opened(secrets, kind="webhook", url=f"{receiver.url}/in", secret="${HMAC_KEY}", headers=headers)
    await channel.send(BEGAN)
    await channel.send(BEGAN)
    await channel.close()
    first, second = receiver.taken
    assert (first.method, first.target, first.headers["content-type"]) == ("POST", "/in", "application/json")
    assert first.headers["authorization"] == "Bearer t0ken"
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "msg-1"
    assert abs(int(first.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 300
    assert _verified(first.headers, first.body, bytes(range(32)))
    assert not _verified(first.headers, first.body + b" ", bytes(range(32)))
    document = first.document()
    assert (document["type"], document["timestamp"]) == ("midwatch.alert.began", "2026-11-26T10:30:00+00:00")
    data = document["data"]
    assert (data["id"], data["key"], data["kind"], data["severity"]) == ("msg-1", "midwatch-0a1b2c", "began", "high")
    assert (data["title"], data["subject"], data["again"], data["more"]) == (COST.title, SUBJECT, False, 0)
    assert data["incidents"] == [
        {
            "id": "0199-cost",
            "fingerprint": COST.fingerprint,
            "category": "anomaly",
            "severity": "high",
            "title": COST.title,
            "tenant": "acme",
            "began_at": "2026-11-26T10:25:00+00:00",
            "last_at": "2026-11-26T10:30:00+00:00",
            "count": 12,
            "details": dict(COST.details),
            "acknowledged_by": None,
            "resolved_at": None,
            "page": COST.page,
            "acknowledge": COST.acknowledge,
        }
    ]


def test_the_signature_is_that_of_the_reference_vector() -> None:
    key = webhook.signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = webhook.signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", body, key, at)
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_a_webhook_without_a_key_has_no_signature(receiver: Receiver, opened: Opened) -> None:
    channel = opened({}, kind="webhook", url=f"{receiver.url}/in")
    await channel.send(BEGAN)
    await channel.close()
    assert "webhook-signature" not in receiver.taken[0].headers


def test_a_webhooks_document_stays_small_and_its_id_has_no_dot() -> None:
    for message in (hostile(), huge()):
        document = webhook.document_of(Writer().words(message), message)
        assert len(json.dumps(document)) < 256 * 1024
        assert "." not in document["data"]["id"]
    assert webhook.document_of(Writer().words(huge()), huge())["data"]["more"] == 990


@pytest.mark.parametrize("key", ["short", "whsec_" + base64.b64encode(b"short").decode(), "whsec_%%%%"])
def test_a_key_that_is_none_is_refused_when_the_channel_opens(key: str, opened: Opened) -> None:
    with pytest.raises(ConfigError, match=r"alerts\.channels: ops: secret") as caught:
        opened({"HMAC_KEY": key}, kind="webhook", url="http://127.0.0.1:1/", secret="${HMAC_KEY}")
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (200, b'{"ok": false}', False),
        (200, b'{"success": false}', False),
        (202, b'{"error": "queue full"}', False),
        (410, b"", True),
        (425, b"", False),
        (408, b"", False),
    ],
)
async def test_a_webhook_that_says_no_did_not_take_it(
    status: int, body: bytes, refused: bool, receiver: Receiver, opened: Opened
) -> None:
    receiver.answer(status, body)
    channel = opened({}, kind="webhook", url=receiver.url)
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.refused, caught.value.unknown) == (refused, False)


def _verified(headers: dict[str, str], body: bytes, key: bytes) -> bool:
    """As a receiver does it, by the specification's own words."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(one, f"v1,{expected}") for one in headers["webhook-signature"].split(" "))

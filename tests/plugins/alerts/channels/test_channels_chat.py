"""Slack, Teams, Discord and Telegram: what a real receiver gets, and what its answers mean."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from midwatch_alerts.channels import discord, slack, teams, telegram
from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_alerts.message import MessageKind
from midwatch_alerts.wording.writing import Writer
from midwatch_core import Severity
from tests.plugins.alerts.channels.receiver import Receiver
from tests.plugins.alerts.channels.told_messages import BEGAN, COST, SUBJECT, hostile, huge, of_kind

Opened = Callable[..., Channel]
LINKS = f"<{COST.page}|See it> · <{COST.acknowledge}|Acknowledge it>"


async def test_slack_gets_blocks_and_a_text_for_notifications(receiver: Receiver, opened: Opened) -> None:
    channel = opened({"HOOK": f"{receiver.url}/services/T0/B0/x"}, kind="slack", webhook_url="${HOOK}")
    await channel.send(BEGAN)
    await channel.close()
    (taken,) = receiver.taken
    assert (taken.method, taken.target) == ("POST", "/services/T0/B0/x")
    assert taken.headers["content-type"] == "application/json"
    assert taken.headers["user-agent"] == "midwatch/1.2"
    document = taken.document()
    assert document["text"] == SUBJECT
    assert (document["mrkdwn"], document["unfurl_links"], document["unfurl_media"]) == (False, False, False)
    kinds = [block["type"] for block in document["blocks"]]
    assert kinds == ["header", "section", "divider", "section", "section", "section"]
    assert document["blocks"][0]["text"] == {"type": "plain_text", "text": SUBJECT, "emoji": False}
    assert document["blocks"][1]["text"]["text"] == "This began."
    fields = [entry["text"] for entry in document["blocks"][4]["fields"]]
    assert fields == [
        "Category\nanomaly",
        "Tenant\nacme",
        "Since\n2026-11-26 10:25:00 UTC",
        "Count\n12, the last at 2026-11-26 10:30:00 UTC",
        "value\n41.20 USD",
        "baseline\n3.10 USD",
        "sigma\n4.2",
        "since\n10:25 UTC",
    ]
    last = document["blocks"][5]["text"]
    assert (last["type"], last["text"].splitlines()[1]) == ("mrkdwn", LINKS)


def test_slack_reads_no_markup_of_alerts_and_keeps_its_limits() -> None:
    for message in (hostile(), huge()):
        body = slack.body_of(Writer().words(message))
        assert len(body["blocks"]) <= 50
        assert "<!" not in body["text"]
        assert "<@" not in body["text"]
        for text in _texts(body["blocks"]):
            assert text["type"] == "plain_text" or "evil" not in text["text"]
            assert 1 <= len(text["text"]) <= 3000
        assert len(body["blocks"][0]["text"]["text"]) <= 150
        assert all(len(block.get("fields", ())) <= 10 for block in body["blocks"])
        assert len(json.dumps(body)) < 40_000


@pytest.mark.parametrize(
    ("status", "body", "headers", "refused", "wait_s"),
    [
        (200, b"invalid_token", {}, True, None),
        (200, b'{"ok": false, "error": "no_service"}', {}, True, None),
        (200, b"<html>sign in</html>", {}, False, None),
        (200, b'{"ok": false, "error": "ratelimited"}', {"retry_after": "7"}, False, 7.0),
        (404, b"no_service", {}, True, None),
        (410, b"channel_is_archived", {}, True, None),
        (429, b"rate_limited", {"retry_after": "30"}, False, 30.0),
        (500, b"rollup_error", {}, False, None),
        (302, b"", {"location": "http://elsewhere.example/"}, False, None),
    ],
)
async def test_slack_is_believed_only_where_it_says_ok(
    status: int,
    body: bytes,
    headers: dict[str, str],
    refused: bool,
    wait_s: float | None,
    receiver: Receiver,
    opened: Opened,
) -> None:
    receiver.answer(status, body, **headers)
    channel = opened({"HOOK": f"{receiver.url}/services/T0/B0/xyz"}, kind="slack", webhook_url="${HOOK}")
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.refused, caught.value.wait_s, caught.value.unknown) == (refused, wait_s, False)
    assert "T0/B0/xyz" not in str(caught.value)
    assert len(receiver.taken) == 1


async def test_teams_gets_a_card_whose_text_is_no_markdown(receiver: Receiver, opened: Opened) -> None:
    receiver.answer(202)
    channel = opened({"HOOK": f"{receiver.url}/workflows/1/triggers?sig=s"}, kind="teams", webhook_url="${HOOK}")
    await channel.send(BEGAN)
    await channel.close()
    (taken,) = receiver.taken
    document = taken.document()
    assert (taken.target, document["type"], document["summary"]) == ("/workflows/1/triggers?sig=s", "message", SUBJECT)
    (attachment,) = document["attachments"]
    assert (attachment["contentType"], attachment["contentUrl"]) == ("application/vnd.microsoft.card.adaptive", None)
    card = attachment["content"]
    assert (card["type"], card["version"], card["fallbackText"]) == ("AdaptiveCard", "1.2", SUBJECT)
    assert {element["type"] for element in card["body"]} == {"RichTextBlock", "ActionSet"}
    lines = ["".join(run["text"] for run in element.get("inlines", ())) for element in card["body"]]
    assert lines[:5] == [SUBJECT, "This began.", f"HIGH: {COST.title}", "Category: anomaly", "Tenant: acme"]
    assert card["body"][0]["inlines"][0]["color"] == "attention"
    assert card["body"][-1]["actions"] == [
        {"type": "Action.OpenUrl", "title": "See it", "url": COST.page},
        {"type": "Action.OpenUrl", "title": "Acknowledge it", "url": COST.acknowledge},
    ]


def test_teams_keeps_28_kb_and_mentions_nobody() -> None:
    for message in (hostile(), huge()):
        body = teams.body_of(Writer().words(message), message)
        assert len(json.dumps(body, ensure_ascii=False).encode()) <= 28_000
        assert "entities" not in body["attachments"][0]["content"]["msteams"]
        assert {element["type"] for element in body["attachments"][0]["content"]["body"]} <= {
            "RichTextBlock",
            "ActionSet",
        }


@pytest.mark.parametrize(
    ("status", "body", "refused", "wait_s"),
    [
        (
            200,
            b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
            False,
            None,
        ),
        (
            200,
            b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 403",
            True,
            None,
        ),
        (200, b'{"error": {"code": "WorkflowTriggerIsNotEnabled"}}', False, None),
        (404, b'{"error": {"code": "WorkflowNotFound"}}', True, None),
        (429, b'{"error": {"code": "WorkflowTriggerThrottled"}}', False, 12.0),
        (502, b"", False, None),
    ],
)
async def test_teams_lies_are_found(
    status: int, body: bytes, refused: bool, wait_s: float | None, receiver: Receiver, opened: Opened
) -> None:
    receiver.answer(status, body, **({"retry_after": "12"} if status == 429 else {}))
    channel = opened({"HOOK": f"{receiver.url}/w"}, kind="teams", webhook_url="${HOOK}")
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.refused, caught.value.wait_s) == (refused, wait_s)


async def test_discord_gets_one_embed_and_no_mentions(receiver: Receiver, opened: Opened) -> None:
    receiver.answer(204)
    channel = opened({"HOOK": f"{receiver.url}/api/webhooks/1/t"}, kind="discord", webhook_url="${HOOK}")
    await channel.send(BEGAN)
    await channel.close()
    document = receiver.taken[0].document()
    assert document["allowed_mentions"] == {"parse": []}
    (embed,) = document["embeds"]
    assert embed["title"] == r"\[Midwatch\] HIGH\: Cost of the agent crawler is 9 σ above its usual"
    assert (embed["color"], embed["timestamp"], embed["url"]) == (0xD9480F, "2026-11-26T10:30:00+00:00", COST.page)
    lines = embed["description"].splitlines()
    assert lines[:2] == [r"This began\.", ""]
    assert r"baseline: 3\.10 USD" in lines
    assert lines[-1] == f"[See it](<{COST.page}>) · [Acknowledge it](<{COST.acknowledge}>)"


def test_discord_keeps_its_limits_and_escapes_markdown() -> None:
    for message in (hostile(), huge()):
        (embed,) = discord.body_of(Writer().words(message), message)["embeds"]
        assert len(embed["title"]) <= 256
        assert not (len(embed["title"]) - len(embed["title"].rstrip("\\"))) % 2
        assert len(embed["description"]) <= 4096
        assert len(embed["title"]) + len(embed["description"]) <= 6000
    (embed,) = discord.body_of(Writer().words(hostile()), hostile())["embeds"]
    assert r"\[click\]\(https\://evil\.example\)" in embed["description"]
    assert r"\@everyone \<!here\>" in embed["description"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "refused", "wait_s"),
    [
        (429, b'{"message": "You are being rate limited.", "retry_after": 1.337, "global": false}', {}, False, 1.337),
        (429, b"{}", {"retry_after": "Thu, 01 Jan 2099 00:00:00 GMT"}, False, 86_400.0),
        (404, b'{"message": "Unknown Webhook", "code": 10015}', {}, True, None),
        (200, b'{"message": "Invalid Webhook Token", "code": 50027}', {}, False, None),
        (400, b'{"embeds": ["0"]}', {}, True, None),
    ],
)
async def test_discord_says_when_to_come_back(
    status: int,
    body: bytes,
    headers: dict[str, str],
    refused: bool,
    wait_s: float | None,
    receiver: Receiver,
    opened: Opened,
) -> None:
    receiver.answer(status, body, **headers)
    channel = opened({"HOOK": f"{receiver.url}/api/webhooks/1/t"}, kind="discord", webhook_url="${HOOK}")
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.refused, caught.value.wait_s) == (refused, wait_s)


async def test_discord_that_tells_the_message_it_made_took_it(receiver: Receiver, opened: Opened) -> None:
    receiver.answer(200, {"id": "123", "type": 0})
    channel = opened({"HOOK": f"{receiver.url}/h?wait=true"}, kind="discord", webhook_url="${HOOK}")
    await channel.send(of_kind(MessageKind.RESOLVED))
    await channel.close()
    assert receiver.taken[0].document()["embeds"][0]["color"] == 0x2E7D32


async def test_telegram_gets_html_in_which_alerts_are_code(receiver: Receiver, opened: Opened) -> None:
    receiver.answer(200, {"ok": True, "result": {"message_id": 5}})
    channel = opened(
        {"TOKEN": "123:ab-C_d"}, kind="telegram", bot_token="${TOKEN}", chat_id="-100123", base_url=receiver.url
    )
    await channel.send(BEGAN)
    await channel.close()
    (taken,) = receiver.taken
    document = taken.document()
    assert taken.target == "/bot123:ab-C_d/sendMessage"
    assert (document["chat_id"], document["parse_mode"]) == ("-100123", "HTML")
    assert document["link_preview_options"] == {"is_disabled": True}
    assert document["disable_notification"] is False
    lines = document["text"].splitlines()
    assert lines[:3] == [f"<code>{SUBJECT}</code>", "This began.", ""]
    assert "<code>baseline</code>: <code>3.10 USD</code>" in lines
    assert lines[-1] == f'<a href="{COST.page}">See it</a> · <a href="{COST.acknowledge}">Acknowledge it</a>'


def test_telegram_keeps_4096_characters_and_its_html_is_whole() -> None:
    for message in (hostile(), huge()):
        text = telegram.body_of(Writer().words(message), message)["text"]
        assert len(unescape(re.sub("<[^>]*>", "", text))) <= 4096
        assert text.count("<code>") == text.count("</code>")
        assert "<script" not in text
        assert "<b" not in text


async def test_telegram_is_quiet_where_nothing_is_urgent(receiver: Receiver, opened: Opened) -> None:
    message = of_kind(MessageKind.DIGEST, severity=Severity.LOW)
    assert telegram.body_of(Writer().words(message), message)["disable_notification"] is True


@pytest.mark.parametrize(
    ("status", "document", "refused", "wait_s"),
    [
        (429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 9}}, False, 9.0),
        (200, {"ok": False, "error_code": 429, "parameters": {"retry_after": 9}}, False, 9.0),
        (200, {"ok": False, "error_code": 403, "description": "bot was kicked"}, True, None),
        (401, {"ok": False, "error_code": 401, "description": "Unauthorized: 123:ab-C_d"}, True, None),
        (200, {"ok": "yes"}, False, None),
    ],
)
async def test_telegram_that_says_no_in_a_200_did_not_take_it(
    status: int, document: dict[str, Any], refused: bool, wait_s: float | None, receiver: Receiver, opened: Opened
) -> None:
    receiver.answer(status, document)
    channel = opened(
        {"TOKEN": "123:ab-C_d"}, kind="telegram", bot_token="${TOKEN}", chat_id="@ops", base_url=receiver.url
    )
    with pytest.raises(ChannelError) as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.refused, caught.value.wait_s) == (refused, wait_s)
    assert "123:ab-C_d" not in str(caught.value)


def _texts(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [text for block in blocks for text in (block.get("text"), *block.get("fields", ())) if text]

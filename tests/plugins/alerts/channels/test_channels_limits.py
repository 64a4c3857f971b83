"""Every kind of channel, of every kind of message: a document can be made, whatever is missing or too much."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from midwatch_alerts.channels import discord, opsgenie, pagerduty, slack, teams, telegram, webhook
from midwatch_alerts.message import Message, MessageKind
from midwatch_alerts.wording.words import Words
from midwatch_alerts.wording.writing import Writer
from tests.plugins.alerts.channels.told_messages import BEGAN, hostile, huge, of_kind

DRAWN: dict[str, Callable[[Words, Message], Any]] = {
    "slack": lambda words, _: slack.body_of(words),
    "teams": teams.body_of,
    "discord": discord.body_of,
    "pagerduty": pagerduty.event_of,
    "opsgenie": lambda words, message: list(opsgenie.requests_of(words, message)),
    "telegram": telegram.body_of,
    "webhook": webhook.document_of,
}
MESSAGES = {
    "none": replace(BEGAN, incidents=(), more=3),
    "hostile": hostile(),
    "empty": hostile(""),
    "huge": huge(),
    **{kind.value: of_kind(kind) for kind in MessageKind},
}


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("template", [None, "{{ subject }}{{ rest }}" + "<@&*_`> " * 900], ids=["usual", "own"])
@pytest.mark.parametrize("channel", DRAWN)
def test_a_document_can_be_made_and_sent(channel: str, template: str | None, message: str) -> None:
    told = MESSAGES[message]
    document = json.dumps(DRAWN[channel](Writer(template).words(told), told), ensure_ascii=False)
    assert 10 < len(document.encode()) < 64_000


@pytest.mark.parametrize("channel", DRAWN)
def test_what_a_template_says_is_what_is_read(channel: str) -> None:
    words = Writer("crawler spends, says nobody else").words(BEGAN)
    assert "crawler spends, says nobody else" in json.dumps(DRAWN[channel](words, BEGAN), ensure_ascii=False)

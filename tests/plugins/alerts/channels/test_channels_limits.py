"""Every kind of channel, of every kind of message: a document can be made, whatever is missing or too much."""

import json
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from midwatch_alerts.channels import discord, mail, opsgenie, pagerduty, slack, teams, telegram, webhook
from midwatch_alerts.channels.settings import EmailSettings
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


def _mail(words: Words, message: Message) -> list[str]:
    given = {"name": "ops", "host": "localhost", "sender": "watch@house.example", "to": ("ops@house.example",)}
    made = mail.mail_of(words, message, EmailSettings.model_validate(given))
    parts = (part.get_content() for part in made.iter_parts() if isinstance(part, EmailMessage))
    return [f"{name}: {text}" for name, text in made.items()] + list(parts)


# A mail may be of any size.
TOLD = {**DRAWN, "email": _mail}
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


SECRETS = ("sk-proj-abcdefghijklmnop1234", "AKIAIOSFODNN7EXAMPLE", "hunter2hunter2")
LEAKY = f"key {SECRETS[0]} and {SECRETS[1]}, password={SECRETS[2]}"


def leaky(kind: MessageKind) -> Message:
    """A message in whose every text whoever raised it forgot a secret."""
    message = hostile(LEAKY)
    told = replace(message.incidents[0], acknowledged_by=LEAKY if kind is MessageKind.ACKNOWLEDGED else "")
    return replace(message, kind=kind, incidents=(told, told), id="m-1", key="k-1")


@pytest.mark.parametrize("kind", MessageKind)
@pytest.mark.parametrize(
    "template", [None, "{{ subject }} {% for one in incidents %}{{ one }}{% endfor %}"], ids=["usual", "own"]
)
@pytest.mark.parametrize("channel", TOLD)
def test_no_message_of_any_kind_has_a_secret_in_any_of_its_texts(
    channel: str, template: str | None, kind: MessageKind
) -> None:
    for message in (leaky(kind), replace(leaky(kind), incidents=leaky(kind).incidents[:1])):
        document = json.dumps(TOLD[channel](Writer(template).words(message), message), ensure_ascii=False)
        assert [secret for secret in SECRETS if secret in document] == []


@pytest.mark.parametrize("channel", TOLD)
def test_what_a_template_says_is_what_is_read(channel: str) -> None:
    words = Writer("crawler spends, says nobody else").words(BEGAN)
    assert "crawler spends, says nobody else" in json.dumps(TOLD[channel](words, BEGAN), ensure_ascii=False)

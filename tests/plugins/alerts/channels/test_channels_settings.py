"""Settings of channels: secrets are references, and nothing of another kind is taken."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from midwatch_alerts.channels.settings import ChannelSettings, check_names
from midwatch_alerts.settings import Settings
from midwatch_core import ConfigError
from midwatch_core.config import load_config
from midwatch_core.shown_settings import shown_settings

ADAPTER: TypeAdapter[ChannelSettings] = TypeAdapter(ChannelSettings)
MAIL = {"name": "ops", "kind": "email", "host": "mail", "sender": "a@b.example", "to": ["c@d.example"]}


def read(**settings: Any) -> ChannelSettings:
    return ADAPTER.validate_python({"name": "ops", **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "slack", "webhook_url": "${HOOK}"},
        {"kind": "slack", "webhook_url": "https://hooks.slack.com/services/${file:/run/secrets/hook}"},
        {"kind": "teams", "webhook_url": "${HOOK}"},
        {"kind": "discord", "webhook_url": "${HOOK}"},
        {"kind": "pagerduty", "routing_key": "${KEY}"},
        {"kind": "opsgenie", "api_key": "${file:/run/secrets/key}", "base_url": "https://api.eu.opsgenie.com"},
        {"kind": "telegram", "bot_token": "${TOKEN}", "chat_id": "@ops_room"},
        {**MAIL, "username": "a", "password": "${PASSWORD}"},
        {"kind": "webhook", "url": "http://127.0.0.1:9/in", "secret": "${KEY}", "headers": {"X-Key": "Key ${KEY}"}},
        {"kind": "webhook", "url": "${WHERE}", "proxy": "http://me:${PROXY_PASSWORD}@proxy:3128"},
        {"kind": "apprise", "secret_url": "${APPRISE_URL}"},
    ],
    ids=lambda settings: f"{settings['kind']}-{len(str(settings))}",
)
def test_a_channel_of_every_kind_has_its_secrets_by_reference(settings: dict[str, Any]) -> None:
    assert read(**settings).kind == settings["kind"]


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"kind": "slack", "webhook_url": "https://hooks.slack.com/services/T/B/x"}, "webhook_url"),
        ({"kind": "pagerduty", "routing_key": "r" * 32}, "routing_key"),
        ({"kind": "opsgenie", "api_key": "key ${KEY}"}, "api_key"),
        ({"kind": "telegram", "bot_token": "1:a", "chat_id": "1"}, "bot_token"),
        ({"kind": "telegram", "bot_token": "${TOKEN}", "chat_id": "ops room"}, "chat_id"),
        ({**MAIL, "username": "a", "password": "plain"}, "password"),
        ({**MAIL, "sender": "a@b.example\r\nBcc: eve@evil.example"}, "sender"),
        ({**MAIL, "to": ["c@d.example, eve@evil.example"]}, "to"),
        ({**MAIL, "to": []}, "to"),
        ({**MAIL, "host": "mail\r\nQUIT"}, "host"),
        ({"kind": "webhook", "url": "https://u:secret@host/"}, "url"),
        ({"kind": "webhook", "url": "file:///etc/passwd"}, "url"),
        ({"kind": "webhook", "url": "http://h/", "headers": {"Authorization": "Bearer literal"}}, "headers"),
        ({"kind": "webhook", "url": "http://h/", "headers": {"webhook-signature": "${X}"}}, "headers"),
        ({"kind": "webhook", "url": "http://h/", "headers": {"A\r\nB": "${X}"}}, "headers"),
        ({"kind": "webhook", "url": "http://h/", "webhook_url": "${X}"}, "webhook_url"),
        ({"kind": "webhook", "url": "http://h/", "proxy": "http://me:secret@proxy"}, "proxy"),
        ({"kind": "webhook", "url": "http://h/", "template": "{{ nonsense }}"}, "template"),
        ({"kind": "webhook", "url": "http://h/", "template": "{% for %}"}, "template"),
        ({"kind": "webhook", "url": "http://h/", "template": "{{ subject.__class__.__mro__ }}"}, "template"),
        ({"kind": "apprise", "secret_url": "slack://a/b/c"}, "secret_url"),
        ({"kind": "webhook", "url": "http://h/", "name": "Ops Room"}, "name"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value['kind']}-{len(str(value))}",
)
def test_what_is_wrong_is_refused_at_its_place(settings: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**settings)
    assert caught.value.errors()[0]["loc"][1] == place


def test_a_password_goes_over_tls_alone_and_with_a_name() -> None:
    for wrong in ({"username": "a", "password": "${P}", "security": "plain"}, {"username": "a"}, {"password": "${P}"}):
        with pytest.raises(ValidationError):
            read(**MAIL, **wrong)


def test_services_that_keep_count_of_troubles_say_so() -> None:
    keyed = read(kind="pagerduty", routing_key="${K}"), read(kind="opsgenie", api_key="${K}")
    assert [channel.keyed for channel in (*keyed, read(kind="webhook", url="http://h/"))] == [True, True, False]


def test_two_channels_of_one_name_are_refused() -> None:
    one = read(kind="webhook", url="http://h/")
    check_names([one])
    with pytest.raises(ValueError, match="two channels are called 'ops'"):
        check_names([one, one])


@pytest.mark.parametrize(
    "channel",
    [
        {"kind": "slack", "webhook_url": "https://hooks.slack.com/services/T/B/hunter2"},
        {"kind": "slak", "webhook_url": "https://hooks.slack.com/services/T/B/hunter2"},
        {"kind": "pagerduty", "routing_key": "hunter2"},
        {"kind": "opsgenie", "api_key": "hunter2"},
        {"kind": "telegram", "bot_token": "1:hunter2", "chat_id": "1"},
        {**MAIL, "username": "a", "password": "hunter2"},
        {"kind": "webhook", "url": "http://h/", "secret": "hunter2", "headers": {"X-Key": "hunter2"}},
        {"kind": "webhook", "url": "http://me:hunter2@h/"},
        {"kind": "apprise", "secret_url": "slack://hunter2/b/c"},
    ],
    ids=lambda channel: f"{channel['kind']}-{len(str(channel))}",
)
def test_a_secret_that_was_written_out_is_refused_and_shown_nowhere(channel: dict[str, Any], tmp_path: Path) -> None:
    settings = {"alerts": {"channels": [{"name": "ops", **channel}]}}
    file = tmp_path / "midwatch.yaml"
    file.write_text(yaml.safe_dump(settings))
    with pytest.raises(ConfigError, match=r"alerts\.channels") as caught:
        load_config(file=file, flags={}, environ={}, sections={"alerts": Settings})
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(shown_settings(settings))

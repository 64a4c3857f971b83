"""Settings as they are shown: whatever is a secret, or is where one lands by mistake, is not."""

from typing import Any

import pytest

from midwatch_core.shown_settings import places, shown_settings


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        (
            {"storage": {"traces": "postgresql://ann:hunter2@db/x"}},
            {"storage": {"traces": "postgresql://ann:***@db/x"}},
        ),
        ({"storage": {"traces": "${TRACES}"}}, {"storage": {"traces": "${TRACES}"}}),
        ({"access": {"admin_key": "${KEY}"}}, {"access": {"admin_key": "${KEY}"}}),
        ({"access": {"admin_key": "mw_plain"}}, {"access": {"admin_key": "***"}}),
        (
            {"otel": {"export": {"headers": {"authorization": "Bearer x", "x-a": "${A}"}}}},
            {"otel": {"export": {"headers": {"authorization": "***", "x-a": "${A}"}}}},
        ),
        ({"web": {"scrape_token": "abc"}}, {"web": {"scrape_token": "***"}}),
        ({"alerts": {"slack_webhook": "https://hooks.example/T/B/x"}}, {"alerts": {"slack_webhook": "***"}}),
        ({"mail": {"smtp_password": "x", "smtp_user": "ann"}}, {"mail": {"smtp_password": "***", "smtp_user": "ann"}}),
        (
            {"tenants": {"acme": {"title": "Acme", "provider_keys": ["sk-1"]}}},
            {"tenants": {"acme": {"title": "Acme", "provider_keys": ["***"]}}},
        ),
        (
            {"siem": [{"url": "https://u:p@siem/x", "token": "t"}]},
            {"siem": [{"url": "https://u:***@siem/x", "token": "***"}]},
        ),
        (
            {"limits": [{"id": "a", "tokens": 5}], "drain_s": 30.0},
            {"limits": [{"id": "a", "tokens": 5}], "drain_s": 30.0},
        ),
        ({"grpc": {"private_key": "/etc/key.pem"}}, {"grpc": {"private_key": "/etc/key.pem"}}),
        ({"a": None, "b": True, "c": ""}, {"a": None, "b": True, "c": ""}),
    ],
)
def test_what_is_secret_is_not_shown(settings: dict[str, Any], shown: dict[str, Any]) -> None:
    assert shown_settings(settings) == shown


def test_each_setting_has_a_place_and_a_list_is_one_setting() -> None:
    found = list(places({"a": {"b": 1, "c": {}}, "d": [{"e": 1}]}))
    assert found == [("a", "b"), ("a", "c"), ("d",)]

"""Fingerprints of provider keys: found where providers want them, keyed, and not turned back."""

import pytest

from midwatch_core.access.fingerprint import LENGTH, fingerprint, provider_key


@pytest.mark.parametrize(
    ("headers", "query", "key"),
    [
        ({"authorization": "Bearer sk-1"}, {}, "sk-1"),
        ({"authorization": "bearer  sk-1 "}, {}, "sk-1"),
        ({"x-api-key": "sk-ant"}, {}, "sk-ant"),
        ({"api-key": "azure"}, {}, "azure"),
        ({"x-goog-api-key": "AIza"}, {}, "AIza"),
        ({}, {"key": "AIza"}, "AIza"),
        ({"authorization": "Bearer sk-1", "x-api-key": "other"}, {"key": "third"}, "sk-1"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, {}, None),
        ({"authorization": "Bearer"}, {}, None),
        ({"authorization": "Bearer "}, {"key": ""}, None),
        ({"x-api-key": " "}, {"alt": "sse"}, None),
        ({}, {}, None),
    ],
)
def test_where_a_providers_key_stands(headers: dict[str, str], query: dict[str, str], key: str | None) -> None:
    assert provider_key(headers, query) == key


def test_a_fingerprint_is_the_keys_and_the_installations() -> None:
    made = fingerprint(b"installation", "sk-1")
    assert made == fingerprint(b"installation", "sk-1")
    assert len(made) == LENGTH
    assert made.isalnum()
    assert len({made, fingerprint(b"installation", "sk-2"), fingerprint(b"another", "sk-1")}) == 3


def test_a_key_that_is_no_text_has_one_too() -> None:
    assert fingerprint(b"installation", b"\xff\xfe".decode("utf-8", "surrogateescape"))

"""Validators and filters by tables: what is a secret's value and what only stands where one would."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_secrets.placeholders import entropy, is_placeholder, is_reference, is_repetitive, is_uuid, is_wordy
from midwatch_secrets.validators import is_basic, is_jwt, is_pem, is_token, validators

_ALL = validators()


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "your-api-key",
        "YOUR_API_KEY",
        "xxxxxxxx",
        "AKIAIOSFODNN7EXAMPLE",
        "********",
        "abcabcabcabc",
        "password",
        "secret",
        "api_key_here",
        "<redacted>",
        "1111111111111111",
        "my_fake_key",
        "token...",
    ],
)
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)
    assert not _ALL["generic"](value)
    assert not _ALL["token"](value)


@pytest.mark.parametrize(
    "value",
    [
        "${VAR}",
        "$TOKEN",
        "{{secrets.KEY}}",
        "<token>",
        "%KEY%",
        "process.env.KEY",
        "os.environ['KEY']",
        "get_key()",
        "$(cat)",
        "[KEY]",
        "op://vault/item",
        "settings.key",
        "getSecret('db')",
    ],
)
def test_references(value: str) -> None:
    assert is_reference(value)
    assert not _ALL["password"](value)


def test_filters_of_shape() -> None:
    assert is_uuid("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    assert is_wordy("password_reset_token")
    assert not is_wordy("p4ssword")
    assert is_repetitive("abababab")
    assert not is_repetitive("Zk3vQ9tLr2Wm")
    assert entropy("") == 0.0
    assert entropy("abcd") == 2.0


def test_generic_takes_its_threshold_from_the_settings() -> None:
    value = "a1b2c3d4d4c3b2a1"
    assert validators(1.0)["generic"](value)
    assert not validators(4.5)["generic"](value)


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_jwt_is_decoded() -> None:
    signature = "k" * 20
    assert is_jwt(f"{_part({'alg': 'RS256'})}.{_part({'sub': '1'})}.{signature}")
    assert not is_jwt(f"{_part({'not': 'a header'})}.{_part({'sub': '1'})}.{signature}")
    assert not is_jwt(f"{_part({'alg': 'RS256'})}.{_part([1])}.{signature}")
    assert not is_jwt(f"{_part({'alg': 'RS256'})}.{_part({'sub': '1'})}.")
    assert not is_jwt("a.b.c")


def test_basic_authorization_is_decoded() -> None:
    assert is_basic(base64.b64encode(b"deploy:Zk3vQ9tLr2Wm").decode())
    assert not is_basic(base64.b64encode(b"user:password").decode())
    assert not is_basic(base64.b64encode(b"\xff\xfe:\x00").decode())
    assert not is_basic("no base64!")


def test_a_private_key_has_a_body() -> None:
    head = "-----BEGIN " + "PRIVATE KEY-----"
    body = base64.b64encode(bytes(range(90))).decode()
    assert is_pem(f"{head}\n{body}")
    assert is_pem(f"{head}\\n{body[:60]}\\n{body[60:]}")
    assert not is_pem(f"{head}\n...")
    assert not is_pem(f"{head}\n{'A' * 64}")
    assert not is_pem(f"{head} is the first line of such a file and the last line ends it")


@given(st.text(max_size=200))
def test_any_text_is_answered_by_all(text: str) -> None:
    for check in _ALL.values():
        assert check(text) in (True, False)
    is_token(text)

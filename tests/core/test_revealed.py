"""Secrets that were filled in are left out of whatever is printed later."""

import json
from urllib.parse import quote

import pytest

from midwatch_core.revealed import REVEALED, Revealed
from midwatch_core.secret_text import resolve_secrets

SECRET = 'p:l/a"n\\t@ed-7c1d'


@pytest.mark.parametrize("written", [SECRET, quote(SECRET, safe=""), json.dumps(SECRET), repr(SECRET)])
def test_a_secret_is_left_out_however_it_is_quoted(written: str) -> None:
    revealed = Revealed()
    revealed.add(SECRET)
    assert revealed.hide(f"connect to redis://u:{written}@host failed") == (
        f"connect to redis://u:{written.replace(written.strip(chr(34) + chr(39)), '***')}@host failed"
    )


def test_of_two_secrets_the_longer_is_left_out_whole() -> None:
    revealed = Revealed()
    revealed.add("secret-word")
    revealed.add("secret-word-and-more")
    assert revealed.hide("secret-word-and-more, secret-word") == "***, ***"


def test_each_line_of_a_key_is_one() -> None:
    revealed = Revealed()
    revealed.add("-----BEGIN KEY-----\nMIIabcdef\nQQ\n-----END KEY-----")
    assert revealed.hide("at MIIabcdef, QQ") == "at ***, QQ"


def test_what_is_too_short_to_be_a_secret_stays_readable() -> None:
    revealed = Revealed()
    revealed.add("port")
    assert revealed.hide("port 8080 is taken") == "port 8080 is taken"


def test_our_keys_keep_their_name_and_credentials_their_kind() -> None:
    revealed = Revealed()
    assert revealed.hide(f"key mw_k3f2x2ab_{'x' * 43} is not known") == "key mw_k3f2x2ab_*** is not known"
    assert revealed.hide("Authorization: Bearer sk-abcdefghijkl") == "Authorization: Bearer ***"
    assert revealed.hide("a bearer of news") == "a bearer of news"


def test_of_very_many_the_last_count() -> None:
    revealed = Revealed()
    for number in range(2049):
        revealed.add(f"secret-{number:04}")
    assert revealed.hide("secret-0000, secret-0001, secret-2048") == "secret-0000, ***, ***"


def test_what_a_reference_stands_for_is_known_from_then_on() -> None:
    secret = "planted-in-a-variable-1f0a"
    assert REVEALED.hide(secret) == secret
    resolve_secrets("redis://u:${PLANTED}@h", key="storage.cache", environ={"PLANTED": secret})
    assert REVEALED.hide(f"what: {secret}") == "what: ***"

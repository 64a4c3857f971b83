"""Checksums against published values, and against every change of one character."""

import random

from hypothesis import given
from hypothesis import strategies as st

from midwatch_secrets.checksums import crc32_base62, has_base58check, has_bech32, has_crc32_base62

# Published: a tutorial's example of GitHub's format, Bitcoin's wiki, Nostr's NIP-19.
_GITHUB_BODY = "zQWBuTSOoRi4A9spHcVY5ncns" + "DkxkJ"
_WIF = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZ" + "yd4dZ1jvhTVqvbTLvyTJ"
_NSEC = "nsec1" + "vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_published_values() -> None:
    assert crc32_base62(_GITHUB_BODY) == "0mLq17"
    assert has_crc32_base62("ghp_" + _GITHUB_BODY + "0mLq17")
    assert has_base58check(_WIF)
    assert has_bech32(_NSEC)


def test_one_changed_character_breaks_each() -> None:
    for value, check in (("ghp_" + _GITHUB_BODY + "0mLq17", has_crc32_base62), (_WIF, has_base58check)):
        for place in range(5, len(value)):
            other = "B" if value[place] != "B" else "C"
            assert not check(value[:place] + other + value[place + 1 :])
    for place in range(5, len(_NSEC)):
        other = "q" if _NSEC[place] != "q" else "p"
        assert not has_bech32(_NSEC[:place] + other + _NSEC[place + 1 :])


def test_any_token_made_with_the_checksum_fits() -> None:
    drawn = random.Random(7)
    for _ in range(200):
        body = "".join(drawn.choices(_LETTERS, k=30))
        assert has_crc32_base62("npm_" + body + crc32_base62(body))


@given(st.text(max_size=80))
def test_any_text_is_answered(text: str) -> None:
    has_crc32_base62(text)
    has_base58check(text)
    has_bech32(text)

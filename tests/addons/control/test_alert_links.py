"""Signed links: what was signed here is known here for a week, and nothing else is."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.control.incidents.links import WEEK_S, Links
from midwatch_core.alert_desk import LinkFault, SignedLink
from tests.addons.control.incident_house import KEY, Time

ID = "0194a3f2-7f31-7e7e-8b8e-0c6c1d2e3f40"


def test_a_link_is_good_for_a_week() -> None:
    time = Time()
    links = Links(KEY, time)
    token = links.signed(ID, "on call")
    assert links.link_of(token) == SignedLink(incident_id=ID, channel="on call")
    time.passed_s = WEEK_S
    assert links.link_of(token) == SignedLink(incident_id=ID, channel="on call")
    time.passed_s = WEEK_S + 1
    assert links.link_of(token) is LinkFault.OLD


def test_a_token_is_safe_in_a_url_whatever_its_channel_is_called() -> None:
    links = Links(KEY, Time())
    token = links.signed(ID, "čh/ann?el&#\U0001f600")
    assert token.isascii()
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert links.link_of(token) == SignedLink(incident_id=ID, channel="čh/ann?el&#\U0001f600")


def test_another_installation_s_link_is_none_of_ours() -> None:
    assert Links(KEY, Time()).link_of(Links(KEY + b"2", Time()).signed(ID, "ops")) is LinkFault.FOREIGN


def test_claims_of_one_link_with_the_signature_of_another_are_none() -> None:
    links = Links(KEY, Time())
    mine, other = links.signed(ID, "ops"), links.signed(ID, "boss")
    assert links.link_of(f"{other.partition('.')[0]}.{mine.partition('.')[2]}") is LinkFault.FOREIGN


@pytest.mark.parametrize("place", [0, 10, -1, -20])
def test_a_character_that_was_changed_makes_it_none(place: int) -> None:
    links = Links(KEY, Time())
    token = links.signed(ID, "ops")
    changed = list(token)
    changed[place] = "A" if changed[place] != "A" else "B"
    assert links.link_of("".join(changed)) is LinkFault.FOREIGN


@pytest.mark.parametrize("token", ["", ".", "a.b", "é" * 43, "a" * 100_000, "A." + "A" * 42], ids=range(6))
def test_what_is_no_token_is_none(token: str) -> None:
    assert Links(KEY, Time()).link_of(token) is LinkFault.MALFORMED


@given(st.text() | st.binary().map(lambda data: urlsafe_b64encode(data).decode() + "." + "A" * 43))
def test_nothing_that_strangers_send_raises(token: str) -> None:
    assert Links(KEY, Time()).link_of(token) in (LinkFault.MALFORMED, LinkFault.FOREIGN)

"""The proxy is never an open relay: which mode may listen where, and what the refusal says."""

import re

import pytest

from midwatch.modes import Place, place_of
from midwatch.open_relay import refuse_open_relay
from midwatch_core.errors import ConfigError

LOOPBACK = ["127.0.0.1:8080", "127.8.9.1:1", "[::1]:8080", "localhost:8080", "[::ffff:127.0.0.1]:80", "127.1:8080"]
OPEN = [
    "0.0.0.0:8080",
    "[::]:8080",
    "10.0.0.7:8080",
    "192.0.2.1:8080",
    "[2001:db8::1]:8080",
    "[fe80::1%lo]:8080",
    "[::ffff:10.0.0.7]:80",
    "0:8080",
]
RELAYS = ["regular", "upstream:http://proxy.example:3128", "transparent", "Regular"]
CLOSED = ["socks5", "dns"]
HARMLESS = ["reverse:https://api.openai.com", "wireguard", "local", "local:curl", "tun"]


@pytest.mark.parametrize("listen", LOOPBACK)
@pytest.mark.parametrize("mode", RELAYS + CLOSED + HARMLESS)
def test_on_loopback_every_mode_may_listen(mode: str, listen: str) -> None:
    refuse_open_relay([mode], listen, required=False)


@pytest.mark.parametrize("listen", OPEN)
@pytest.mark.parametrize("mode", RELAYS)
def test_elsewhere_a_relay_must_know_who_comes(mode: str, listen: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"--listen {listen}: anybody who reaches")) as caught:
        refuse_open_relay([mode], listen, required=False)
    assert "identity.required: true" in str(caught.value)
    refuse_open_relay([mode], listen, required=True)


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("mode", CLOSED)
def test_elsewhere_what_cannot_ask_is_refused_outright(mode: str, required: bool) -> None:
    with pytest.raises(ConfigError, match=rf"--listen 0.0.0.0:80: .*let {mode} listen on 127.0.0.1 only"):
        refuse_open_relay([mode], "0.0.0.0:80", required=required)


@pytest.mark.parametrize("mode", HARMLESS)
def test_what_relays_nothing_may_listen_anywhere(mode: str) -> None:
    refuse_open_relay([mode], "0.0.0.0:80", required=False)


@pytest.mark.parametrize(
    ("modes", "says"),
    [
        (["regular@0.0.0.0:9000"], "--mode regular@0.0.0.0:9000: anybody"),
        (["regular@[::]:9000"], "--mode regular@[::]:9000: anybody"),
        (["regular@:::9000"], "--mode regular@:::9000: anybody"),
        (["regular", "transparent@[::]:9000"], "--mode transparent@[::]:9000: anybody"),
        (["regular", "transparent@0.0.0.0:9000"], "--mode transparent@0.0.0.0:9000: anybody"),
        (["regular", "reverse:https://x.example@0.0.0.0:1", "socks5@10.0.0.1:2"], "--mode socks5@10.0.0.1:2: SOCKS"),
        (["regular@:9000"], "--mode regular@:9000: an address is HOST:PORT"),
        (["upstream:http://me:secret@0.0.0.0:9"], "--mode upstream:http://me:***@0.0.0.0:9: anybody"),
        (["regular@nosuch.invalid:9"], "--mode regular@nosuch.invalid:9: no name of a host"),
    ],
)
def test_an_address_of_the_modes_own_counts(modes: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(says)):
        refuse_open_relay(modes, "127.0.0.1:8080", required=False)


def test_an_address_of_the_modes_own_may_be_loopback() -> None:
    refuse_open_relay(["regular@127.0.0.1:9000", "socks5@[::1]:9001"], "0.0.0.0:8080", required=False)
    refuse_open_relay(["transparent@[::1]:9000", "transparent@[::ffff:127.0.0.1]:9"], "[::]:8080", required=False)


def test_a_port_of_the_modes_own_is_at_the_common_host() -> None:
    with pytest.raises(ConfigError, match="--mode regular@9000: anybody"):
        refuse_open_relay(["regular@9000"], "0.0.0.0:8080", required=False)


def test_a_name_counts_as_every_address_it_stands_for() -> None:
    names = {"here.example": ["127.0.0.1", "::1"], "both.example": ["127.0.0.1", "10.0.0.7"]}
    refuse_open_relay(["regular"], "here.example:8080", required=False, resolve=names.__getitem__)
    with pytest.raises(ConfigError, match="anybody who reaches"):
        refuse_open_relay(["regular"], "both.example:8080", required=False, resolve=names.__getitem__)


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("regular", Place(kind="regular", host="10.0.0.1", port=8080, named=False)),
        ("regular@9000", Place(kind="regular", host="10.0.0.1", port=9000, named=True)),
        ("reverse:https://x@h:9000", Place(kind="reverse", host="h", port=9000, named=True)),
        ("reverse:https://me@host.example", Place(kind="reverse", host="10.0.0.1", port=8080, named=False)),
        ("SOCKS5@[::1]:9000", Place(kind="socks5", host="::1", port=9000, named=True)),
    ],
)
def test_places_of_modes(spec: str, place: Place) -> None:
    assert place_of(spec, "10.0.0.1:8080") == place


def test_a_place_of_ipv6_is_written_in_brackets() -> None:
    assert place_of("regular@9000", "[::1]:8080").address == "[::1]:9000"

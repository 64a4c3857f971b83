"""Fingerprints of ClientHellos: the same for one program, others for other programs."""

import ssl
from typing import Any

import pytest

from midwatch.proxy.inventory.fingerprint import fingerprint_of
from tests.addons.proxy.hellos import hello_of


def test_a_program_has_one_fingerprint_for_every_host() -> None:
    first = fingerprint_of(hello_of("api.openai.com"))
    assert first == fingerprint_of(hello_of("api.openai.com"))
    assert first == fingerprint_of(hello_of("a-much-longer-name.api.anthropic.com"))
    assert first == fingerprint_of(hello_of(None))
    assert len(first) == 16


@pytest.mark.parametrize(
    "change",
    [
        lambda trust: trust.set_ciphers("ECDHE+AESGCM"),
        lambda trust: trust.set_alpn_protocols(["h2", "http/1.1"]),
        lambda trust: setattr(trust, "maximum_version", ssl.TLSVersion.TLSv1_2),
        lambda trust: trust.set_ecdh_curve("prime256v1"),
    ],
    ids=["ciphers", "alpn", "version", "curve"],
)
def test_another_set_up_is_another_fingerprint(change: Any) -> None:
    assert fingerprint_of(hello_of("api.openai.com", change)) != fingerprint_of(hello_of("api.openai.com"))


class Hello:
    """A ClientHello of which every part is given."""

    def __init__(self, ciphers: list[int], extensions: list[tuple[int, Any]]) -> None:
        self.cipher_suites = ciphers
        self.extensions = extensions
        self.alpn_protocols: list[bytes] = []


def told(ciphers: list[int], *extensions: tuple[int, Any]) -> str:
    hello: Any = Hello(ciphers, list(extensions))
    return fingerprint_of(hello)


def test_grease_order_padding_and_resumption_tell_nothing() -> None:
    groups = b"\x00\x04\x00\x1d\x00\x17"
    plain = told([0x1301, 0x1302], (10, groups), (43, b"\x02\x03\x04"), (0, b"name"))
    assert plain == told(
        [0x2A2A, 0x1301, 0x1302],
        (0xDADA, b""),
        (43, b"\x02\x03\x04"),
        (21, b"\0" * 50),
        (41, b"ticket"),
        (42, b""),
        (10, b"\x00\x06\x1a\x1a\x00\x1d\x00\x17"),
    )
    assert plain != told([0x1302, 0x1301], (10, groups), (43, b"\x02\x03\x04"))


def test_a_hello_that_is_cut_or_empty_has_a_fingerprint_too() -> None:
    assert told([]) != told([], (10, b"\x00"), (13, object()))
    assert told([0x1301], (10, b"\x00\x04\x00")) == told([0x1301], (10, b""))

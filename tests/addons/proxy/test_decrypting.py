"""Decrypting: only the catalogue's hosts and those the user chose, by SNI, else by address."""

from typing import Any

import pytest
from mitmproxy import connection, tls
from mitmproxy.proxy import context
from mitmproxy.test import taddons, tflow

from midwatch.proxy.decrypting import Decrypting
from midwatch_core.wire.catalogue import Catalogue
from midwatch_core.wire.dialects import BUILTIN
from tests.addons.proxy.conftest import SPEC

CATALOGUE = Catalogue([SPEC], dialects=[dialect.id for dialect in BUILTIN])


def passed_through(addon: Decrypting, sni: str | None, address: tuple[str, int] | None) -> bool:
    with taddons.context() as running:
        made = context.Context(tflow.tclient_conn(), running.options)
    made.server = connection.Server(address=address)

    class Hello:
        """What is read of a client's first message."""

        def __init__(self) -> None:
            self.sni = sni

    hello: Any = Hello()
    data = tls.ClientHelloData(made, hello)
    addon.tls_clienthello(data)
    return data.ignore_connection


@pytest.mark.parametrize(
    ("intercept", "sni", "address", "read"),
    [
        ("catalogue", "api.openai.com", ("10.0.0.1", 443), True),
        ("catalogue", "API.OPENAI.COM", None, True),
        ("catalogue", None, ("api.openai.com", 443), True),
        ("catalogue", "bank.example", ("api.openai.com", 443), False),
        ("catalogue", None, None, False),
        ("catalogue", None, ("10.0.0.1", 443), False),
        ("all", "bank.example", None, True),
        ("all", None, None, True),
        (("llm.lan",), "LLM.lan", None, True),
        (("LLM.lan:8443",), "llm.lan", ("10.0.0.1", 8443), True),
        (("llm.lan:8443",), "llm.lan", ("10.0.0.1", 443), False),
        (("llm.lan",), "api.openai.com", None, True),
        (("llm.lan",), "bank.example", None, False),
        ((), "bank.example", None, False),
    ],
)
def test_who_is_read(intercept: Any, sni: str | None, address: tuple[str, int] | None, read: bool) -> None:
    assert passed_through(Decrypting(CATALOGUE, intercept), sni, address) is not read


def test_a_reload_holds_from_the_next_connection_on() -> None:
    addon = Decrypting(CATALOGUE, "all")
    addon.follow(Catalogue([], dialects=[]), ("llm.lan",))
    assert not passed_through(addon, "llm.lan", None)
    assert passed_through(addon, "api.openai.com", None)

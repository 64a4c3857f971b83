"""The way to ClickHouse: straight, whatever the environment says; through a proxy where its own URL says so."""

import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import pytest

from midwatch_clickhouse.address import parse_url
from midwatch_clickhouse.connecting import Connection, _lead
from midwatch_core.errors import ConfigError, StorageError
from tests.plugins.company_proxy import company_proxy
from tests.plugins.grpc.certificate import self_signed
from tests.storage.clickhouse.engine import Engine

CREDENTIALS = "office:planted-77"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


async def test_the_environment_s_proxies_are_not_heeded(engine: Engine) -> None:
    connection = Connection(parse_url(engine.url("default")))
    await connection.open()
    assert list(await connection.rows("SELECT 1")) == [(1,)]
    await connection.close()


class Front(BaseHTTPRequestHandler):
    """Passes on to an engine what comes by TLS."""

    engine: Engine

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: text for name, text in self.headers.items() if name.lower() not in ("host", "content-length")}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.engine.port}{self.path}", body, headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=60) as answer:
            data = answer.read()
            self.send_response(answer.status)
            for name, text in answer.headers.items():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, text)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Nothing: pytest shows what failed."""


@contextmanager
def by_tls(engine: Engine, certificate: Path, key: Path) -> Iterator[int]:
    """The port of the engine by TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    handler = type("Fronting", (Front,), {"engine": engine})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


async def test_through_the_proxy_that_its_url_names_in_a_tunnel(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    certificate, key = self_signed(tmp_path, "ch.example")
    with (
        by_tls(engine, certificate, key) as port,
        company_proxy({"ch.example:8443": port}, CREDENTIALS) as proxy,
    ):
        named = quote(f"http://{CREDENTIALS}@127.0.0.1:{proxy.port}", safe="")
        connection = Connection(
            parse_url(f"clickhouses://default:secret-word@ch.example/default?ca={certificate}&proxy={named}")
        )
        await connection.open()
        assert list(await connection.rows("SELECT 'a text'")) == [("a text",)]
        await connection.close()
    assert set(proxy.asked) == {"CONNECT ch.example:8443 HTTP/1.1"}
    assert b"secret-word" not in proxy.told
    assert b"a text" not in proxy.told
    assert "planted" not in repr(connection.address) + connection.address.shown + caplog.text


async def test_a_proxy_that_is_away_is_an_error_without_its_password() -> None:
    named = quote(f"http://{CREDENTIALS}@127.0.0.1:1", safe="")
    connection = Connection(parse_url(f"clickhouses://ch.example/default?proxy={named}"))
    with pytest.raises(StorageError) as caught:
        await connection.open()
    told, error = "", cast(BaseException | None, caught.value)
    while error is not None:
        told, error = told + str(error), error.__cause__
    assert "planted" not in told


def test_a_driver_that_keeps_its_proxy_elsewhere_is_not_used() -> None:
    for client in (SimpleNamespace(), SimpleNamespace(_backend=SimpleNamespace())):
        with pytest.raises(ConfigError, match="this clickhouse-connect is not known"):
            _lead(cast(Any, client), None)

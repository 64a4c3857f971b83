"""The way to servers: what a forward proxy's URL may be, and which hosts are reached without it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from midwatch_core.config import load_config
from midwatch_core.errors import ConfigError
from midwatch_core.upstream_settings import DirectHosts, ForwardProxy, UpstreamSettings


@pytest.mark.parametrize(
    ("url", "is_"),
    [
        ("http://proxy.corp.example:3128", ("http", "proxy.corp.example", 3128, None)),
        ("https://proxy.corp.example", ("https", "proxy.corp.example", 443, None)),
        ("http://[2001:db8::1]/", ("http", "2001:db8::1", 80, None)),
        ("http://me:p%40ss%3Aw%2Frd@proxy:8", ("http", "proxy", 8, "me:p@ss:w/rd")),
        ("http://me@proxy:8", ("http", "proxy", 8, "me:")),
    ],
)
def test_a_proxy_is_a_url_of_two_kinds(url: str, is_: tuple[Any, ...]) -> None:
    proxy = ForwardProxy.parse(url)
    assert (proxy.scheme, proxy.host, proxy.port, proxy.credentials) == is_


@pytest.mark.parametrize(
    "url",
    [
        "",
        "proxy:3128",
        "socks5://me:secret@proxy:1080",
        "http://",
        "http://me:secret@proxy:99999",
        "http://me:secret@proxy:3128/path",
        "http://me:secret@proxy:3128?x=1",
        "http://me:secret@[::1:3128",
    ],
)
def test_what_is_none_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^upstream\.proxy: a proxy is http://HOST:PORT") as caught:
        ForwardProxy.parse(url)
    assert "secret" not in str(caught.value)


def test_credentials_are_in_no_representation() -> None:
    assert "secret" not in repr(ForwardProxy.parse("http://me:secret@proxy:3128"))


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("web.localhost", True),
        ("intranet", True),
        ("Intranet.", True),
        ("git.corp.example", True),
        ("a.b.CORP.example", True),
        ("corp.example", False),
        ("notcorp.example", False),
        ("10.9.8.7", True),
        ("11.0.0.1", False),
        ("192.0.2.7", True),
        ("192.0.2.8", False),
        ("fd00::7", True),
        ("2001:db8::7", False),
        ("api.openai.com", False),
    ],
)
def test_loopback_and_what_is_named_is_reached_directly(host: str, direct: bool) -> None:
    hosts = DirectHosts(("intranet", "*.corp.example", "10.0.0.0/8", "192.0.2.7", "fd00::/8"))
    assert (host in hosts) is direct


@pytest.mark.parametrize("text", ["", "*", "*.", "http://x", "a.example:443", "10.0.0.1/8", "10.0.0.300", "x y"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"is no host|has host bits set"):
        UpstreamSettings(direct=(text,))


def test_certificates_are_a_folder_or_named_one_by_one() -> None:
    assert UpstreamSettings.model_validate({"client_certificates": "/certs"}).client_certificates == Path("/certs")
    named = {"llm.example": "/certs/one.pem", "10.0.0.7": "/certs/two.pem"}
    found = UpstreamSettings.model_validate({"client_certificates": named}).client_certificates
    assert found == {name: Path(file) for name, file in named.items()}


@pytest.mark.parametrize("name", ["", "../x", "LLM.example", "*.example", "a/b"])
def test_a_servers_name_is_one(name: str) -> None:
    with pytest.raises(ValidationError, match="is no name of a server"):
        UpstreamSettings.model_validate({"client_certificates": {name: "/certs/one.pem"}})


def test_settings_survive_being_written_down() -> None:
    settings = UpstreamSettings.model_validate(
        {"proxy": "http://p:1", "direct": ["*.x"], "client_certificates": {"a": "/a.pem"}}
    )
    assert UpstreamSettings.model_validate(settings.model_dump(mode="json")) == settings


def test_a_password_is_not_written_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("upstream: {proxy: 'http://me:secret@proxy:3128'}\n")
    with pytest.raises(ConfigError, match=r"upstream\.proxy: a password is not written here") as caught:
        load_config(file=file, flags={}, environ={})
    assert "secret" not in str(caught.value)


def test_a_whole_url_in_a_variable_stays_there() -> None:
    environ = {"MIDWATCH_UPSTREAM__PROXY": "http://me:secret@proxy:3128"}
    config = load_config(file=None, flags={}, environ=environ)
    assert config.upstream.proxy == "${MIDWATCH_UPSTREAM__PROXY}"

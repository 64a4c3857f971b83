"""The catalogue: hosts with wildcards and ports, routes by whole path, the user's first, shape elsewhere."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from midwatch_core.wire.catalogue import Catalogue, CatalogueError, CatalogueSpec, Match, RouteSpec

CHAT = {"path": "(?:/v1)?/chat/completions", "dialect": "chat"}
SHIPPED: dict[str, Any] = {
    "route_sets": {"openai_compatible": [CHAT]},
    "providers": [
        {"name": "openai", "hosts": ["api.openai.com"]},
        {
            "name": "azure",
            "hosts": ["*.openai.azure.com"],
            "routes": [{"path": "/deployments/(?P<deployment>[^/]+)/chat", "dialect": "chat"}],
        },
        {"name": "local", "hosts": ["10.0.0.5:8000"], "routes": [{**CHAT, "methods": ["POST", "PUT"]}]},
    ],
    "anywhere": [{"name": "self_hosted", "routes": [{**CHAT, "shape": ["model", "messages"]}]}],
}


def catalogue(*specs: dict[str, Any]) -> Catalogue:
    return Catalogue([CatalogueSpec.model_validate(spec) for spec in specs or (SHIPPED,)], dialects=["chat", "other"])


@pytest.mark.parametrize(
    ("host", "port", "listed"),
    [
        ("api.openai.com", 443, True),
        ("API.OpenAI.com", 8443, True),
        ("api.openai.com.", 443, True),
        ("xapi.openai.com", 443, False),
        ("api.openai.com.evil.example", 443, False),
        ("apixopenai.com", 443, False),
        ("mine.openai.azure.com", 443, True),
        ("a.b.openai.azure.com", 443, True),
        (".openai.azure.com", 443, False),
        ("openai.azure.com", 443, False),
        ("evil x.openai.azure.com", 443, False),
        ("api.openai.com evil.example", 443, False),
        ("10.0.0.5", 8000, True),
        ("10.0.0.5", 8001, False),
        ("110.0.0.5", 8000, False),
        ("", 443, False),
    ],
)
def test_hosts(host: str, port: int, listed: bool) -> None:
    assert catalogue().lists(host, port) is listed


@pytest.mark.parametrize(
    ("host", "method", "path", "provider"),
    [
        ("api.openai.com", "POST", "/v1/chat/completions", "openai"),
        ("api.openai.com", "POST", "/chat/completions", "openai"),
        ("api.openai.com", "GET", "/v1/chat/completions", None),
        ("api.openai.com", "POST", "/v1/chat/completions/more", None),
        ("api.openai.com", "POST", "/x/v1/chat/completions", None),
        ("api.openai.com", "POST", "/v1/chat/completions\n", None),
        ("10.0.0.5", "PUT", "/v1/chat/completions", "local"),
        ("other.example", "POST", "/v1/chat/completions", None),
    ],
)
def test_routes(host: str, method: str, path: str, provider: str | None) -> None:
    match = catalogue().match(host, 8000, method, path)
    assert (match.provider if match else None) == provider


def test_named_groups_are_captured() -> None:
    match = catalogue().match("mine.openai.azure.com", 443, "POST", "/deployments/gpt-4o/chat")
    assert match == Match(provider="azure", dialect="chat", captures={"deployment": "gpt-4o"})


def test_what_is_captured_has_no_percent_encoding() -> None:
    match = catalogue().match("mine.openai.azure.com", 443, "POST", "/deployments/arn%3Aaws%2Fgpt%204o%FF/chat")
    assert match is not None
    assert match.captures == {"deployment": "arn:aws/gpt 4o\ufffd"}


def test_the_users_providers_and_route_sets_come_first() -> None:
    own = {
        "route_sets": {"openai_compatible": [{**CHAT, "dialect": "other"}]},
        "providers": [{"name": "mine", "hosts": ["api.openai.com"], "routes": [{"path": "/mine", "dialect": "other"}]}],
    }
    both = catalogue(own, SHIPPED)
    assert both.providers == ("mine", "openai", "azure", "local")
    mine, openai = (both.match("api.openai.com", 443, "POST", path) for path in ("/mine", "/v1/chat/completions"))
    assert mine is not None
    assert openai is not None
    assert (mine.provider, openai.provider, openai.dialect) == ("mine", "openai", "other")


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        ({"model": "m", "messages": []}, True),
        ({"model": "m", "messages": [], "more": 1}, True),
        ({"model": "m"}, False),
        (["model", "messages"], False),
        ("model messages", False),
        (None, False),
    ],
)
def test_anywhere_asks_for_the_shape(document: Any, fits: bool) -> None:
    match = catalogue().match_anywhere("POST", "/v1/chat/completions")
    assert match is not None
    assert match.provider == "self_hosted"
    assert match.fits(document) is fits


RPC: dict[str, Any] = {
    "anywhere": [
        {
            "name": "rpc",
            "routes": [
                {
                    "path": ".*",
                    "dialect": "other",
                    "headers": {"Accept": "(?i).*event-stream.*"},
                    "shape": ["method"],
                    "values": {"method": "tools/.+"},
                },
                {"path": "/listen", "dialect": "other", "methods": ["GET"], "listens": True},
            ],
        }
    ],
}


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        ({"method": "tools/call"}, True),
        ([{"method": "tools/call"}, {"method": "eth_call"}], True),
        ({"method": "eth_call"}, False),
        ({"method": ["tools/call"]}, False),
        ([], False),
        (None, False),
    ],
)
def test_strings_tell_where_a_path_does_not(document: Any, fits: bool) -> None:
    match = catalogue(RPC).match_anywhere("POST", "/any", {"accept": "Text/Event-Stream"})
    assert match is not None
    assert match.fits(document) is fits
    assert match.takes(document, oversize=False) is fits


def test_what_could_not_be_read_is_taken_by_its_path_where_that_tells() -> None:
    by_shape = catalogue().match_anywhere("POST", "/v1/chat/completions")
    by_strings = catalogue(RPC).match_anywhere("POST", "/any", {"accept": "text/event-stream"})
    assert by_shape is not None
    assert by_strings is not None
    assert by_shape.takes(None, oversize=False)
    assert not by_strings.takes(None, oversize=False)
    assert by_strings.takes(None, oversize=True)


@pytest.mark.parametrize("headers", [{}, {"accept": "*/*"}, {"accept": "text/event-stream\udcff"}])
def test_without_its_headers_a_route_does_not_match(headers: dict[str, str]) -> None:
    assert catalogue(RPC).match_anywhere("POST", "/any", headers) is None


def test_on_a_listed_host_headers_are_asked_each_time() -> None:
    made = catalogue({"providers": [{"name": "rpc", "hosts": ["rpc.test"], "routes": RPC["anywhere"][0]["routes"]}]})
    asked = [made.match("rpc.test", 443, "POST", "/", {"accept": kind}) for kind in ("text/event-stream", "*/*")]
    assert [match is not None for match in asked] == [True, False]


def test_a_route_may_listen() -> None:
    match = catalogue(RPC).match_anywhere("GET", "/listen")
    assert match is not None
    assert match.listens


def test_a_listed_call_has_no_shape_to_fit() -> None:
    match = catalogue().match("api.openai.com", 443, "POST", "/v1/chat/completions")
    assert match is not None
    assert match.fits(None)
    assert catalogue().match_anywhere("GET", "/") is None


@pytest.mark.parametrize(
    ("provider", "says"),
    [
        ({"name": "acme", "routes": "nosuch"}, "provider 'acme': no route set 'nosuch'; there are openai_compatible"),
        (
            {"name": "acme", "routes": [{**CHAT, "dialect": "x"}]},
            "provider 'acme': no dialect 'x'; there are chat, other",
        ),
    ],
)
def test_an_error_names_the_provider_and_what_there_is(provider: dict[str, Any], says: str) -> None:
    with pytest.raises(CatalogueError, match=says):
        catalogue({"providers": [provider]}, SHIPPED)


@pytest.mark.parametrize("path", ["(", "(?=x)", r"(a)\1", "a{1001}"])
def test_a_path_that_is_no_re2_pattern_is_refused_when_it_is_read(path: str) -> None:
    with pytest.raises(ValidationError, match="not an RE2 pattern"):
        RouteSpec(path=path, dialect="chat")


def test_the_cache_does_not_grow_with_clients_fancy() -> None:
    made = catalogue()
    for number in range(10_000):
        made.lists(f"host-{number}.example", 443)
    assert len(made._by_host) <= 4097
    assert made.lists("api.openai.com", 443)


@given(st.text(), st.integers(), st.text(), st.text())
def test_strangers_words_raise_nothing(host: str, port: int, method: str, path: str) -> None:
    made = catalogue()
    made.lists(host, port)
    made.match(host, port, method, path)
    made.match_anywhere(method, path)

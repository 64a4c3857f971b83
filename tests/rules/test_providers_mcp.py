"""The shipped catalogue and MCP: calls of its clients on any host, and other JSON-RPC that is not taken for it."""

from typing import Any

import pytest
import yaml

import midwatch_rules
from midwatch_core import CatalogueSpec, ResourceKind
from midwatch_core.wire.catalogue import Catalogue, Match
from midwatch_core.wire.dialects import BUILTIN

JSON = {"content-type": "application/json"}
CLIENT = {**JSON, "accept": "application/json, text/event-stream"}
EVENTS = {"accept": "text/event-stream"}
IN_SESSION = {"mcp-session-id": "8f14e45f"}
LISTED = ("mcp.linear.app", "mcp.notion.com", "docs.mcp.cloudflare.com", "gitmcp.io", "api.githubcopilot.com")


def call(method: str | None, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, **({"method": method} if method else {}), **more}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    catalogues = [item for item in midwatch_rules.resources() if item.kind is ResourceKind.CATALOGUE]
    specs = [CatalogueSpec.model_validate(yaml.safe_load(item.path.read_text())) for item in catalogues]
    return Catalogue(specs, dialects=[dialect.id for dialect in BUILTIN])


def taken(match: Match | None, document: Any) -> bool:
    return match is not None and match.dialect == "mcp" and match.takes(document, oversize=False)


@pytest.mark.parametrize(
    ("path", "headers", "document"),
    [
        ("/mcp", CLIENT, call("initialize")),
        ("/", CLIENT, call("ping")),
        ("/api/v1/tools", CLIENT, call("tools/call")),
        ("/mcp", {**JSON, **IN_SESSION}, call("tasks/result")),
        ("/mcp", {**CLIENT, **IN_SESSION}, call(None, result={"role": "assistant"})),
        ("/mcp", CLIENT, [call("tools/list"), call("ping")]),
        ("/messages/", JSON, call("tools/list")),
        ("/x/message", JSON, call("notifications/initialized")),
    ],
)
def test_a_client_s_call_on_any_host(catalogue: Catalogue, path: str, headers: dict[str, str], document: Any) -> None:
    assert taken(catalogue.match_anywhere("POST", path, headers), document)


@pytest.mark.parametrize(
    ("path", "headers", "document"),
    [
        ("/", JSON, call("eth_blockNumber")),
        ("/messages", JSON, call("eth_getBalance")),
        ("/mcp", CLIENT, call("textDocument/didOpen")),
        ("/rpc", JSON, call("tools/call")),  # nothing that MCP demands of a client
        ("/mcp", JSON, {"method": "tools/call"}),
        ("/mcp", JSON, {"jsonrpc": "1.0", "method": "tools/call"}),
        ("/messages", JSON, {"text": "a mailbox"}),
        ("/messages", {"content-type": "application/x-www-form-urlencoded"}, None),
        ("/messages", JSON, None),
        ("/graphql", CLIENT, {"query": "{ me }"}),
    ],
)
def test_other_traffic_is_not_taken_for_it(
    catalogue: Catalogue, path: str, headers: dict[str, str], document: Any
) -> None:
    assert not taken(catalogue.match_anywhere("POST", path, headers), document)


@pytest.mark.parametrize(
    ("path", "headers", "listens"),
    [
        ("/sse", EVENTS, True),
        ("/v1/mcp/", EVENTS, True),
        ("/anything", {**EVENTS, **IN_SESSION}, True),
        ("/anything", EVENTS, False),
        ("/sse", {"accept": "text/html"}, False),
    ],
)
def test_streams_that_a_client_listens_to(
    catalogue: Catalogue, path: str, headers: dict[str, str], listens: bool
) -> None:
    match = catalogue.match_anywhere("GET", path, headers)
    assert (match is not None and match.listens) is listens


@pytest.mark.parametrize("host", LISTED)
def test_hosts_that_serve_it(catalogue: Catalogue, host: str) -> None:
    match = catalogue.match(host, 443, "POST", "/mcp", CLIENT)
    assert match is not None
    assert match.provider == "mcp"
    assert taken(match, call("tools/list"))
    assert taken(match, call(None, result={}))
    assert catalogue.lists(host, 443)


def test_tokens_and_pages_of_such_hosts_are_left_alone(catalogue: Catalogue) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert catalogue.match("mcp.linear.app", 443, "POST", "/token", form) is None
    assert catalogue.match("mcp.linear.app", 443, "GET", "/authorize", {"accept": "text/html"}) is None
    assert not taken(catalogue.match("mcp.linear.app", 443, "POST", "/register", JSON), {"client_name": "me"})

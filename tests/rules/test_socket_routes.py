"""Which handshakes of a WebSocket are a model's, by the shipped catalogue, and which are not."""

from urllib.parse import urlsplit

import pytest
import yaml

import midwatch_rules
from midwatch_core import CatalogueSpec, ResourceKind
from midwatch_core.wire.catalogue import Catalogue
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.socket import SocketDialect

SOCKETS = [
    ("https://api.openai.com/v1/responses", "openai", "openai.responses"),
    ("https://api.openai.com/v1/realtime", "openai", "openai.realtime"),
    ("https://eu.api.openai.com/v1/realtime", "openai", "openai.realtime"),
    ("https://chatgpt.com/backend-api/codex/responses", "openai", "openai.responses"),
    ("https://acme.openai.azure.com/openai/realtime", "azure.ai.openai", "openai.realtime"),
    ("https://acme.openai.azure.com/openai/v1/realtime", "azure.ai.openai", "openai.realtime"),
    ("https://acme.openai.azure.com/openai/v1/responses", "azure.ai.openai", "openai.responses"),
    ("https://api.x.ai/v1/responses", "x_ai", "openai.responses"),
    ("https://api.x.ai/v1/realtime", "x_ai", "openai.realtime"),
    ("https://dashscope.aliyuncs.com/api-ws/v1/realtime", "alibaba_cloud", "openai.realtime"),
]
NO_SOCKETS = [
    "https://api.openai.com/v1/chat/completions",
    "https://api.openai.com/v1/responses/compact",
    "https://api.openai.com/v1/realtime/client_secrets",
    "https://chatgpt.com/backend-api/conversation",
    "https://api.anthropic.com/v1/messages",
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    catalogues = [item for item in midwatch_rules.resources() if item.kind is ResourceKind.CATALOGUE]
    specs = [CatalogueSpec.model_validate(yaml.safe_load(item.path.read_text())) for item in catalogues]
    return Catalogue(specs, dialects=[dialect.id for dialect in BUILTIN])


@pytest.mark.parametrize(("url", "provider", "dialect"), SOCKETS, ids=[url for url, _, _ in SOCKETS])
def test_a_usual_socket_is_its_provider_s(catalogue: Catalogue, url: str, provider: str, dialect: str) -> None:
    parts = urlsplit(url)
    found = catalogue.match(parts.netloc, 443, "GET", parts.path, socket=True)
    assert found is not None
    assert (found.provider, found.dialect, found.socket) == (provider, dialect, True)
    assert isinstance(next(each for each in BUILTIN if each.id == dialect), SocketDialect)
    plain = catalogue.match(parts.netloc, 443, "GET", parts.path)
    assert plain is None or not plain.socket


@pytest.mark.parametrize("url", NO_SOCKETS)
def test_other_sockets_are_no_model_s(catalogue: Catalogue, url: str) -> None:
    parts = urlsplit(url)
    assert catalogue.match(parts.netloc, 443, "GET", parts.path, socket=True) is None


def test_codex_with_a_login_is_paid_by_a_flat_fee_over_sockets_too(catalogue: Catalogue) -> None:
    found = catalogue.match("chatgpt.com", 443, "GET", "/backend-api/codex/responses", socket=True)
    assert found is not None
    assert found.subscription


@pytest.mark.parametrize("path", ["/v1/responses", "/llm/v1/realtime", "/openai/realtime"])
def test_a_server_of_one_s_own_is_known_by_its_path(catalogue: Catalogue, path: str) -> None:
    found = catalogue.match_anywhere("GET", path, socket=True)
    assert found is not None
    assert found.provider == "self_hosted"
    assert catalogue.match_anywhere("GET", "/chat", socket=True) is None

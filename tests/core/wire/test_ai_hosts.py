"""AI hosts: which are counted, and what is known of them."""

import pytest
from pydantic import ValidationError

from midwatch_core.wire.ai_hosts import AiHost, AiHosts
from midwatch_core.wire.catalogue import AiHostSpec, Catalogue, CatalogueSpec

SPEC = CatalogueSpec.model_validate(
    {
        "providers": [{"name": "openai", "title": "OpenAI", "hosts": ["api.openai.com", "llm.lan:8443"], "routes": []}],
        "ai_hosts": [{"name": "claude", "title": "Claude", "hosts": ["claude.ai", "*.claude.ai"]}],
    }
)
CATALOGUE = Catalogue([SPEC], dialects=[])
OPENAI = AiHost(title="OpenAI", provider="openai")
CLAUDE = AiHost(title="Claude", known=False)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("api.openai.com", 443, OPENAI),
        ("API.OpenAI.com.", 443, OPENAI),
        ("llm.lan", 8443, OPENAI),
        ("llm.lan", 443, None),
        ("claude.ai", 443, CLAUDE),
        ("www.claude.ai", 443, CLAUDE),
        ("notclaude.ai", 443, None),
        ("bank.example", 443, None),
        ("claude.ai bank.example", 443, None),
        ("", 443, None),
    ],
)
def test_who_is_counted(host: str, port: int, expected: AiHost | None) -> None:
    hosts = AiHosts(CATALOGUE)
    assert hosts.of(host, port) == expected
    assert hosts.of(host, port) == expected


def test_the_configuration_adds_services_and_says_what_is_known() -> None:
    own = AiHostSpec(name="inhouse", hosts=("chat.lan",))
    hosts = AiHosts(CATALOGUE, own=[own], approved=["*.lan", "claude.ai"], unapproved=["api.openai.com"])
    assert hosts.of("chat.lan") == AiHost(title="inhouse")
    assert hosts.of("claude.ai") == AiHost(title="Claude")
    assert hosts.of("www.claude.ai") == CLAUDE
    assert hosts.of("api.openai.com") == AiHost(title="OpenAI", provider="openai", known=False)


def test_a_host_that_nobody_lists_is_known_where_it_is_approved() -> None:
    hosts = AiHosts(CATALOGUE, approved=["ollama.lan:11434"])
    assert hosts.unlisted("ollama.lan", 11434) == AiHost(title="ollama.lan")
    assert hosts.unlisted("ollama.lan", 80) == AiHost(title="ollama.lan", known=False)


def test_a_service_without_hosts_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="hosts"):
        AiHostSpec(name="nobody", hosts=())

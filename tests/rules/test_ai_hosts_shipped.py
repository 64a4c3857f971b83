"""The shipped list of AI services: names that are hosts, and none that a provider has already, but on purpose."""

import re

import pytest
import yaml

import midwatch_rules
from midwatch_core import CatalogueSpec
from midwatch_core.wire.ai_hosts import AiHosts
from midwatch_core.wire.catalogue import Catalogue
from midwatch_core.wire.dialects import BUILTIN

SPECS = {
    item.name: CatalogueSpec.model_validate(yaml.safe_load(item.path.read_text()))
    for item in midwatch_rules.resources()
    if item.kind == "catalogue"
}
SERVICES = SPECS["ai_hosts"].ai_hosts
HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?|\*)(\.([a-z0-9]([a-z0-9-]*[a-z0-9])?|\*))*\.[a-z]{2,}")


@pytest.fixture(scope="module")
def hosts() -> AiHosts:
    return AiHosts(Catalogue(SPECS.values(), dialects=[dialect.id for dialect in BUILTIN]))


def test_every_entry_has_a_name_of_its_own_a_title_and_hosts() -> None:
    assert len({item.name for item in SERVICES}) == len(SERVICES) >= 60
    assert all(item.title for item in SERVICES)
    named = [host for item in SERVICES for host in item.hosts]
    assert [host for host in named if not HOST.fullmatch(host)] == []
    assert len(set(named)) == len(named)


@pytest.mark.parametrize(
    ("host", "title"),
    [
        ("claude.ai", "Claude"),
        ("gemini.google.com", "Google Gemini"),
        ("copilot.microsoft.com", "Microsoft Copilot"),
        ("www.perplexity.ai", "Perplexity"),
        ("poe.com", "Poe"),
        ("neo.character.ai", "Character.AI"),
        ("chat.deepseek.com", "DeepSeek Chat"),
        ("chat.mistral.ai", "Le Chat (Mistral)"),
        ("grok.com", "Grok"),
        ("api2.cursor.sh", "Cursor"),
        ("server.codeium.com", "Windsurf (Codeium)"),
        ("api.elevenlabs.io", "ElevenLabs"),
        ("q.us-east-1.amazonaws.com", "Amazon Q Developer"),
    ],
)
def test_what_people_use_beside_the_catalogue_is_shadow_ai(hosts: AiHosts, host: str, title: str) -> None:
    found = hosts.of(host)
    assert found is not None
    assert (found.title, found.provider, found.known) == (title, None, False)


@pytest.mark.parametrize(
    "host", ["www.google.com", "github.com", "s3.us-east-1.amazonaws.com", "docs.x.ai", "bing.com"]
)
def test_what_is_no_ai_service_is_not_counted(hosts: AiHosts, host: str) -> None:
    assert hosts.of(host) is None

"""The shipped catalogue: usual URLs of every provider, and paths beside them that are no call to a model."""

from urllib.parse import urlsplit

import pytest
import yaml

import midwatch_rules
from midwatch_core import CatalogueSpec, Json, ResourceKind
from midwatch_core.wire.catalogue import Catalogue
from midwatch_core.wire.dialects import BUILTIN

CALLS = [
    ("https://api.openai.com/v1/chat/completions", "openai", "openai.chat"),
    ("https://api.openai.com/v1/completions", "openai", "openai.completions"),
    ("https://api.openai.com/v1/embeddings", "openai", "openai.embeddings"),
    ("https://api.openai.com/v1/responses", "openai", "openai.responses"),
    ("https://api.openai.com/v1/responses/compact", "openai", "openai.responses"),
    ("https://eu.api.openai.com/v1/responses", "openai", "openai.responses"),
    ("https://chatgpt.com/backend-api/codex/responses", "openai", "openai.responses"),
    ("https://acme.openai.azure.com/openai/deployments/gpt-4o/chat/completions", "azure.ai.openai", "openai.chat"),
    ("https://acme.openai.azure.com/openai/deployments/ada/embeddings", "azure.ai.openai", "openai.embeddings"),
    ("https://acme.openai.azure.com/openai/deployments/x/completions", "azure.ai.openai", "openai.completions"),
    ("https://acme.openai.azure.com/openai/responses", "azure.ai.openai", "openai.responses"),
    ("https://acme.openai.azure.com/openai/v1/responses", "azure.ai.openai", "openai.responses"),
    ("https://acme.openai.azure.com/openai/v1/chat/completions", "azure.ai.openai", "openai.chat"),
    ("https://acme.services.ai.azure.com/openai/v1/chat/completions", "azure.ai.openai", "openai.chat"),
    ("https://acme.services.ai.azure.com/models/chat/completions", "azure.ai.inference", "openai.chat"),
    ("https://acme.services.ai.azure.com/anthropic/v1/messages", "azure.ai.inference", "anthropic.messages"),
    ("https://api.anthropic.com/v1/messages", "anthropic", "anthropic.messages"),
    ("https://api.anthropic.com/v1/chat/completions", "anthropic", "openai.chat"),
    ("https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "gcp.gemini", "openai.chat"),
    ("https://generativelanguage.googleapis.com/v1beta/openai/embeddings", "gcp.gemini", "openai.embeddings"),
    ("https://api.groq.com/openai/v1/chat/completions", "groq", "openai.chat"),
    ("https://api.groq.com/openai/v1/responses", "groq", "openai.responses"),
    ("https://api.together.xyz/v1/chat/completions", "together_ai", "openai.chat"),
    ("https://api.together.xyz/v1/completions", "together_ai", "openai.completions"),
    ("https://api.fireworks.ai/inference/v1/chat/completions", "fireworks_ai", "openai.chat"),
    ("https://api.deepseek.com/chat/completions", "deepseek", "openai.chat"),
    ("https://api.deepseek.com/v1/chat/completions", "deepseek", "openai.chat"),
    ("https://api.deepseek.com/beta/completions", "deepseek", "openai.completions"),
    ("https://api.deepseek.com/responses", "deepseek", "openai.responses"),
    ("https://api.deepseek.com/anthropic/v1/messages", "deepseek", "anthropic.messages"),
    ("https://api.x.ai/v1/chat/completions", "x_ai", "openai.chat"),
    ("https://us-east-1.api.x.ai/v1/responses", "x_ai", "openai.responses"),
    ("https://openrouter.ai/api/v1/chat/completions", "openrouter", "openai.chat"),
    ("https://openrouter.ai/api/v1/messages", "openrouter", "anthropic.messages"),
    ("https://api.mistral.ai/v1/chat/completions", "mistral_ai", "openai.chat"),
    ("https://api.mistral.ai/v1/agents/completions", "mistral_ai", "openai.chat"),
    ("https://codestral.mistral.ai/v1/fim/completions", "mistral_ai", "openai.completions"),
    ("https://api.mistral.ai/v1/embeddings", "mistral_ai", "openai.embeddings"),
    ("https://api.perplexity.ai/chat/completions", "perplexity", "openai.chat"),
    ("https://api.perplexity.ai/v1/responses", "perplexity", "openai.responses"),
    ("https://api.cerebras.ai/v1/chat/completions", "cerebras", "openai.chat"),
    ("https://api.sambanova.ai/v1/chat/completions", "sambanova", "openai.chat"),
    ("https://api.moonshot.ai/v1/chat/completions", "moonshot_ai", "openai.chat"),
    ("https://api.moonshot.cn/anthropic/v1/messages", "moonshot_ai", "anthropic.messages"),
    ("https://open.bigmodel.cn/api/paas/v4/chat/completions", "z_ai", "openai.chat"),
    ("https://api.z.ai/api/coding/paas/v4/chat/completions", "z_ai", "openai.chat"),
    ("https://api.z.ai/api/anthropic/v1/messages", "z_ai", "anthropic.messages"),
    ("https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions", "alibaba_cloud", "openai.chat"),
    ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1/embeddings", "alibaba_cloud", "openai.embeddings"),
    ("https://coding.dashscope.aliyuncs.com/v1/chat/completions", "alibaba_cloud", "openai.chat"),
    ("https://integrate.api.nvidia.com/v1/chat/completions", "nvidia", "openai.chat"),
    ("https://router.huggingface.co/v1/chat/completions", "hugging_face", "openai.chat"),
    ("https://router.huggingface.co/together/v1/chat/completions", "hugging_face", "openai.chat"),
    ("https://models.github.ai/inference/chat/completions", "github", "openai.chat"),
    ("https://models.github.ai/orgs/acme/inference/embeddings", "github", "openai.embeddings"),
    ("https://api.individual.githubcopilot.com/chat/completions", "github_copilot", "openai.chat"),
    ("https://ai-gateway.vercel.sh/v1/chat/completions", "vercel", "openai.chat"),
    ("https://ai-gateway.vercel.sh/v1/messages", "vercel", "anthropic.messages"),
    ("https://api.deepinfra.com/v1/openai/chat/completions", "deepinfra", "openai.chat"),
    ("https://api.minimax.io/anthropic/v1/messages", "minimax", "anthropic.messages"),
    ("https://api.cohere.ai/compatibility/v1/chat/completions", "cohere", "openai.chat"),
    ("https://ollama.com/api/chat", "ollama", "ollama.chat"),
]

GEMINI = "https://generativelanguage.googleapis.com"
VERTEX = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1"
WITH_MODEL = [
    (f"{GEMINI}/v1beta/models/gemini-2.5-pro:generateContent", "gemini.generate_content", "gemini-2.5-pro"),
    (f"{GEMINI}/v1beta/models/gemini-2.5-pro:streamGenerateContent", "gemini.generate_content", "gemini-2.5-pro"),
    (f"{GEMINI}/v1/models/gemini-2.0-flash:generateContent", "gemini.generate_content", "gemini-2.0-flash"),
    (f"{GEMINI}/v1beta/tunedModels/mine-1:generateContent", "gemini.generate_content", "mine-1"),
    (f"{GEMINI}/v1beta/models/gemini-embedding-001:embedContent", "gemini.embeddings", "gemini-embedding-001"),
    (f"{GEMINI}/v1beta/models/gemini-embedding-001:batchEmbedContents", "gemini.embeddings", "gemini-embedding-001"),
    (f"{VERTEX}/publishers/google/models/gemini-2.5-pro:generateContent", "gemini.generate_content", "gemini-2.5-pro"),
    (f"{VERTEX}/publishers/anthropic/models/claude-x@1:streamRawPredict", "anthropic.messages", "claude-x@1"),
    ("https://acme.openai.azure.com/openai/deployments/gpt-4o/chat/completions", "openai.chat", "gpt-4o"),
]

NO_CALLS = [
    "https://api.openai.com/v1/files",
    "https://api.openai.com/v1/moderations",
    "https://api.openai.com/v1/threads/thread_1/messages",
    "https://api.openai.com/v1/responses/resp_1/cancel",
    "https://api.openai.com/v1/responses/input_tokens",
    "https://api.openai.com/v1/chat/completions/chatcmpl-1",
    "https://api.openai.com/v1/batches",
    "https://api.openai.com/v1/audio/transcriptions",
    "https://chatgpt.com/backend-api/conversation",
    "https://api.anthropic.com/v1/messages/count_tokens",
    "https://api.anthropic.com/v1/messages/batches",
    "https://api.anthropic.com/v1/files",
    "https://acme.openai.azure.com/openai/files",
    f"{GEMINI}/v1beta/models/gemini-2.5-pro:countTokens",
    f"{GEMINI}/upload/v1beta/files",
    "https://api.mistral.ai/v1/ocr",
    "https://openrouter.ai/api/v1/auth/keys",
    "https://ollama.com/api/pull",
    "https://api.openai.com.evil.example/v1/chat/completions",
    "https://evil-api.openai.com/v1/chat/completions",
]

ANYWHERE = [
    ("/v1/chat/completions", {"messages": []}, "self_hosted", "openai.chat"),
    ("/llm/v1/chat/completions", {"model": "m", "messages": []}, "self_hosted", "openai.chat"),
    ("/v1/completions", {"prompt": "x"}, "self_hosted", "openai.completions"),
    ("/v1/embeddings", {"input": "x"}, "self_hosted", "openai.embeddings"),
    ("/embeddings", {"input": "x"}, "self_hosted", "openai.embeddings"),
    ("/v1/responses", {"model": "m", "input": "x"}, "self_hosted", "openai.responses"),
    ("/v1/messages", {"model": "m", "messages": [], "max_tokens": 1}, "self_hosted", "anthropic.messages"),
    ("/v1beta/models/g:generateContent", {"contents": []}, "self_hosted", "gemini.generate_content"),
    ("/v1beta/models/g:batchEmbedContents", {"requests": []}, "self_hosted", "gemini.embeddings"),
    ("/openai/deployments/d/chat/completions", {"messages": []}, "self_hosted", "openai.chat"),
    ("/api/chat", {"model": "m", "messages": []}, "ollama", "ollama.chat"),
    ("/api/generate", {"model": "m", "prompt": "x"}, "ollama", "ollama.generate"),
    ("/api/embed", {"model": "m", "input": "x"}, "ollama", "ollama.embeddings"),
    ("/api/embeddings", {"model": "m", "prompt": "x"}, "ollama", "ollama.embeddings"),
]

NOT_ANYWHERE = [
    ("/v1/models", {}),
    ("/v1/files", {"messages": []}),
    ("/api/chat", {"messages": [], "id": "an application's own chat"}),
    ("/v1/messages", {"text": "a mailbox"}),
    ("/v1/responses", {"answers": []}),
    ("/api/tags", {}),
    ("/chat/completions", ["no", "object"]),
]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    catalogues = [item for item in midwatch_rules.resources() if item.kind is ResourceKind.CATALOGUE]
    specs = [CatalogueSpec.model_validate(yaml.safe_load(item.path.read_text())) for item in catalogues]
    return Catalogue(specs, dialects=[dialect.id for dialect in BUILTIN])


def split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc, parts.path


@pytest.mark.parametrize(("url", "provider", "dialect"), CALLS)
def test_a_usual_url_is_its_provider_s_call(catalogue: Catalogue, url: str, provider: str, dialect: str) -> None:
    host, path = split(url)
    found = catalogue.match(host, 443, "POST", path)
    assert found is not None
    assert (found.provider, found.dialect) == (provider, dialect)
    assert catalogue.lists(host, 443)


@pytest.mark.parametrize(("url", "dialect", "model"), WITH_MODEL)
def test_a_path_may_name_the_model(catalogue: Catalogue, url: str, dialect: str, model: str) -> None:
    found = catalogue.match(split(url)[0], 443, "POST", split(url)[1])
    assert found is not None
    assert (found.dialect, found.captures["model"]) == (dialect, model)


@pytest.mark.parametrize("url", NO_CALLS)
def test_other_paths_and_hosts_are_no_calls(catalogue: Catalogue, url: str) -> None:
    assert catalogue.match(split(url)[0], 443, "POST", split(url)[1]) is None


@pytest.mark.parametrize("url", [url for url, *_ in CALLS] + [url for url, *_ in WITH_MODEL])
@pytest.mark.parametrize("other", ["/v1/models", "/v1/files", "/v1/images/generations", "/", "/health"])
def test_no_provider_takes_its_other_paths_for_calls(catalogue: Catalogue, url: str, other: str) -> None:
    assert catalogue.match(split(url)[0], 443, "POST", other) is None
    assert catalogue.match(split(url)[0], 443, "GET", split(url)[1]) is None


@pytest.mark.parametrize(("path", "body", "provider", "dialect"), ANYWHERE)
def test_on_any_host_path_and_shape_make_a_call(
    catalogue: Catalogue, path: str, body: Json, provider: str, dialect: str
) -> None:
    found = catalogue.match_anywhere("POST", path)
    assert found is not None
    assert (found.provider, found.dialect) == (provider, dialect)
    assert found.fits(body)


@pytest.mark.parametrize(("path", "body"), NOT_ANYWHERE)
def test_on_any_host_neither_path_nor_shape_alone_makes_a_call(catalogue: Catalogue, path: str, body: Json) -> None:
    found = catalogue.match_anywhere("POST", path)
    assert found is None or not found.fits(body)


def test_the_catalogue_comes_as_a_plugin_s_resource() -> None:
    (resource,) = (item for item in midwatch_rules.resources() if item.kind is ResourceKind.CATALOGUE)
    assert resource.kind == "catalogue"
    assert resource.path.is_file()

"""The shipped catalogue: usual URLs of every provider, and paths beside them that are no call to a model."""

from urllib.parse import urlsplit

import pytest
import yaml

import midwatch_rules
from midwatch_core import CatalogueSpec, Json, ResourceKind
from midwatch_core.wire.catalogue import Catalogue
from midwatch_core.wire.dialects import BUILTIN

BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com"
CALLS = [
    ("https://api.openai.com/v1/chat/completions", "openai", "openai.chat"),
    ("https://api.openai.com/v1/completions", "openai", "openai.completions"),
    ("https://api.openai.com/v1/embeddings", "openai", "openai.embeddings"),
    ("https://api.openai.com/v1/responses", "openai", "openai.responses"),
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
    ("https://api.githubcopilot.com/v1/messages", "github_copilot", "anthropic.messages"),
    ("https://api.individual.githubcopilot.com/chat/completions", "github_copilot", "openai.chat"),
    ("https://api.business.githubcopilot.com/responses", "github_copilot", "openai.responses"),
    ("https://api.enterprise.githubcopilot.com/embeddings", "github_copilot", "openai.embeddings"),
    ("https://proxy.individual.githubcopilot.com/chat/completions", "github_copilot", "openai.chat"),
    ("https://cloudcode-pa.googleapis.com/v1internal:generateContent", "gcp.code_assist", "gemini.code_assist"),
    ("https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent", "gcp.code_assist", "gemini.code_assist"),
    ("https://cloudcode-pa.googleapis.com/v1internal:countTokens", "gcp.code_assist", "gemini.count_tokens"),
    ("https://ai-gateway.vercel.sh/v1/chat/completions", "vercel", "openai.chat"),
    ("https://ai-gateway.vercel.sh/v1/messages", "vercel", "anthropic.messages"),
    ("https://api.deepinfra.com/v1/openai/chat/completions", "deepinfra", "openai.chat"),
    ("https://api.minimax.io/anthropic/v1/messages", "minimax", "anthropic.messages"),
    ("https://api.cohere.ai/compatibility/v1/chat/completions", "cohere", "openai.chat"),
    ("https://api.cohere.com/v2/chat", "cohere", "cohere.chat"),
    ("https://api.cohere.com/v1/chat", "cohere", "cohere.chat_v1"),
    ("https://api.cohere.com/v2/embed", "cohere", "cohere.embed"),
    ("https://api.cohere.ai/v1/rerank", "cohere", "cohere.rerank"),
    ("https://ollama.com/api/chat", "ollama", "ollama.chat"),
    (f"{BEDROCK}/guardrail-checks/invoke", "aws.bedrock", "bedrock.guardrail"),
    (f"{BEDROCK}/openai/v1/chat/completions", "aws.bedrock", "openai.chat"),
    (f"{BEDROCK}/openai/v1/responses", "aws.bedrock", "openai.responses"),
    ("https://bedrock-mantle.us-east-1.api.aws/v1/chat/completions", "aws.bedrock", "openai.chat"),
    ("https://bedrock-mantle.us-east-1.api.aws/v1/responses", "aws.bedrock", "openai.responses"),
    ("https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages", "aws.bedrock", "anthropic.messages"),
]

OPENAI, AZURE = "https://api.openai.com/v1", "https://acme.openai.azure.com/openai"
# Uploads, batches, what the provider keeps, and models that answer in sound and pictures.
BESIDE = [
    ("POST", f"{OPENAI}/responses/input_tokens", "openai.responses"),
    ("POST", f"{OPENAI}/responses/compact", "openai.responses"),
    ("POST", f"{OPENAI}/moderations", "openai.moderations"),
    ("POST", f"{OPENAI}/images/generations", "openai.images"),
    ("POST", f"{OPENAI}/images/edits", "openai.images"),
    ("POST", f"{OPENAI}/images/variations", "openai.images"),
    ("POST", f"{OPENAI}/audio/speech", "openai.speech"),
    ("POST", f"{OPENAI}/audio/transcriptions", "openai.transcriptions"),
    ("POST", f"{OPENAI}/audio/translations", "openai.transcriptions"),
    ("POST", f"{OPENAI}/files", "openai.files"),
    ("POST", f"{OPENAI}/uploads/upload_1/parts", "openai.files"),
    ("GET", f"{OPENAI}/files/file-1/content", "openai.files"),
    ("POST", f"{OPENAI}/batches", "openai.batches"),
    ("GET", f"{OPENAI}/batches", "openai.batches"),
    ("GET", f"{OPENAI}/batches/batch_1", "openai.batches"),
    ("POST", f"{OPENAI}/batches/batch_1/cancel", "openai.batches"),
    ("GET", f"{OPENAI}/responses/resp_1", "openai.stored"),
    ("GET", f"{OPENAI}/responses/resp_1/input_items", "openai.stored"),
    ("POST", f"{OPENAI}/responses/resp_1/cancel", "openai.stored"),
    ("POST", f"{OPENAI}/conversations", "openai.stored"),
    ("POST", f"{OPENAI}/conversations/conv_1/items", "openai.stored"),
    ("GET", f"{OPENAI}/conversations/conv_1/items/msg_1", "openai.stored"),
    ("POST", f"{AZURE}/deployments/dalle/images/generations", "openai.images"),
    ("POST", f"{AZURE}/deployments/tts/audio/speech", "openai.speech"),
    ("POST", f"{AZURE}/deployments/whisper/audio/transcriptions", "openai.transcriptions"),
    ("POST", f"{AZURE}/files", "openai.files"),
    ("GET", f"{AZURE}/batches/b", "openai.batches"),
    ("GET", f"{AZURE}/v1/responses/resp_1", "openai.stored"),
    ("POST", "https://api.groq.com/openai/v1/audio/transcriptions", "openai.transcriptions"),
    ("POST", "https://api.mistral.ai/v1/chat/moderations", "openai.moderations"),
    ("POST", "https://api.mistral.ai/v1/batch/jobs", "openai.batches"),
    ("POST", "https://api.anthropic.com/v1/messages/count_tokens", "anthropic.count_tokens"),
    ("POST", "https://api.anthropic.com/v1/messages/batches", "anthropic.batches"),
    ("GET", "https://api.anthropic.com/v1/messages/batches/b", "anthropic.batches"),
    ("GET", "https://api.anthropic.com/v1/messages/batches/b/results", "anthropic.batches"),
    ("POST", "https://openrouter.ai/api/v1/messages/batches/b/cancel", "anthropic.batches"),
]

GEMINI = "https://generativelanguage.googleapis.com"
VERTEX = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1"
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-micro-v1:0"
WITH_MODEL = [
    (f"{GEMINI}/v1beta/models/gemini-2.5-pro:generateContent", "gemini.generate_content", "gemini-2.5-pro"),
    (f"{GEMINI}/v1beta/models/gemini-2.5-pro:streamGenerateContent", "gemini.generate_content", "gemini-2.5-pro"),
    (f"{GEMINI}/v1/models/gemini-2.0-flash:generateContent", "gemini.generate_content", "gemini-2.0-flash"),
    (f"{GEMINI}/v1beta/tunedModels/mine-1:generateContent", "gemini.generate_content", "mine-1"),
    (f"{GEMINI}/v1beta/models/gemini-embedding-001:embedContent", "gemini.embeddings", "gemini-embedding-001"),
    (f"{GEMINI}/v1beta/models/gemini-embedding-001:batchEmbedContents", "gemini.embeddings", "gemini-embedding-001"),
    (f"{VERTEX}/publishers/google/models/gemini-2.5-pro:generateContent", "gemini.generate_content", "gemini-2.5-pro"),
    (f"{VERTEX}/publishers/anthropic/models/claude-x@1:streamRawPredict", "anthropic.messages", "claude-x@1"),
    (f"{VERTEX}/publishers/mistralai/models/codestral-2:rawPredict", "openai.chat", "codestral-2"),
    (f"{VERTEX}/publishers/google/models/text-embedding-005:predict", "vertex.embeddings", "text-embedding-005"),
    (f"{VERTEX}/publishers/google/models/gemini-embedding-2:embedContent", "gemini.embeddings", "gemini-embedding-2"),
    (f"{VERTEX}/publishers/google/models/gemini-2.5-pro:countTokens", "gemini.count_tokens", "gemini-2.5-pro"),
    (f"{VERTEX}/endpoints/12345:streamGenerateContent", "gemini.generate_content", "12345"),
    ("https://aiplatform.eu.rep.googleapis.com/v1/publishers/google/models/x:countTokens", "gemini.count_tokens", "x"),
    (f"{GEMINI}/v1beta/models/gemini-2.5-pro:countTokens", "gemini.count_tokens", "gemini-2.5-pro"),
    (
        "https://copilot-proxy.githubusercontent.com/v1/engines/copilot-codex/completions",
        "openai.completions",
        "copilot-codex",
    ),
    ("https://acme.openai.azure.com/openai/deployments/gpt-4o/chat/completions", "openai.chat", "gpt-4o"),
    (f"{BEDROCK}/model/amazon.nova-micro-v1%3A0/converse", "bedrock.converse", "amazon.nova-micro-v1:0"),
    (f"{BEDROCK}/model/amazon.nova-micro-v1:0/converse-stream", "bedrock.converse", "amazon.nova-micro-v1:0"),
    (f"{BEDROCK}/model/{ARN.replace(':', '%3A').replace('/', '%2F')}/invoke", "bedrock.invoke", ARN),
    (f"{BEDROCK}/model/{ARN}/invoke-with-response-stream", "bedrock.invoke", ARN),
    (f"{BEDROCK}/model/m/count-tokens", "bedrock.count_tokens", "m"),
    (f"{BEDROCK.replace('runtime', 'runtime-fips')}/model/m/converse", "bedrock.converse", "m"),
    ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/m/converse", "bedrock.converse", "m"),
    ("https://vpce-0a-1b.bedrock-runtime.us-east-1.vpce.amazonaws.com/model/m/converse", "bedrock.converse", "m"),
]

NO_CALLS = [
    "https://api.openai.com/v1/uploads",
    "https://api.openai.com/v1/responses/resp_1",
    "https://api.openai.com/v1/files/file-1/content",
    "https://api.openai.com/v1/images",
    "https://api.openai.com/v1/audio/voices",
    "https://api.anthropic.com/v1/messages/batches/b/other",
    "https://api.openai.com/v1/threads/thread_1/messages",
    "https://api.openai.com/v1/chat/completions/chatcmpl-1",
    "https://chatgpt.com/backend-api/conversation",
    "https://api.anthropic.com/v1/files",
    f"{VERTEX}/publishers/google/models/imagen-4.0:predict",
    "https://cloudcode-pa.googleapis.com/v1internal:loadCodeAssist",
    "https://telemetry.individual.githubcopilot.com/chat/completions",
    "https://api.githubcopilot.com/models",
    f"{GEMINI}/upload/v1beta/files",
    "https://api.mistral.ai/v1/ocr",
    "https://openrouter.ai/api/v1/auth/keys",
    "https://bedrock.us-east-1.amazonaws.com/model/m/converse",
    "https://bedrock-agent-runtime.us-east-1.amazonaws.com/model/m/converse",
    "https://bedrock-runtime.us-east-1.amazonaws.com.evil.example/model/m/converse",
    f"{BEDROCK}/model/m/invoke-with-bidirectional-stream",
    f"{BEDROCK}/async-invoke",
    "https://ollama.com/api/pull",
    "https://api.openai.com.evil.example/v1/chat/completions",
    "https://evil-api.openai.com/v1/chat/completions",
]

ANYWHERE = [
    ("/v1/chat/completions", {"messages": []}, "self_hosted", "openai.chat"),
    ("/llm/v1/chat/completions", {"model": "m", "messages": []}, "self_hosted", "openai.chat"),
    ("/v1/completions", {"prompt": "x"}, "self_hosted", "openai.completions"),
    ("/v1/embeddings", {"input": "x"}, "self_hosted", "openai.embeddings"),
    ("/v1/moderations", {"input": "x"}, "self_hosted", "openai.moderations"),
    ("/v1/images/generations", {"prompt": "x"}, "self_hosted", "openai.images"),
    ("/v1/audio/speech", {"model": "m", "input": "x"}, "self_hosted", "openai.speech"),
    ("/v1/audio/transcriptions", {"file": {"filename": "a.wav"}}, "self_hosted", "openai.transcriptions"),
    ("/v1/messages/count_tokens", {"model": "m", "messages": []}, "self_hosted", "anthropic.count_tokens"),
    ("/embeddings", {"input": "x"}, "self_hosted", "openai.embeddings"),
    ("/v1/responses", {"model": "m", "input": "x"}, "self_hosted", "openai.responses"),
    ("/v1/rerank", {"model": "m", "query": "x", "documents": []}, "self_hosted", "cohere.rerank"),
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


@pytest.mark.parametrize(("method", "url", "dialect"), BESIDE)
def test_what_is_asked_beside_a_model_s_answer_is_a_call(
    catalogue: Catalogue, method: str, url: str, dialect: str
) -> None:
    host, path = split(url)
    found = catalogue.match(host, 443, method, path)
    assert found is not None
    assert found.dialect == dialect


def test_a_conversation_s_items_name_it(catalogue: Catalogue) -> None:
    found = catalogue.match("api.openai.com", 443, "GET", "/v1/conversations/conv_1/items")
    assert found is not None
    assert found.captures == {"conversation": "conv_1"}


@pytest.mark.parametrize(
    ("url", "flat"),
    [
        ("https://chatgpt.com/backend-api/codex/responses", True),
        ("https://api.individual.githubcopilot.com/chat/completions", True),
        ("https://copilot-proxy.githubusercontent.com/v1/engines/copilot-codex/completions", True),
        ("https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent", True),
        ("https://api.openai.com/v1/responses", False),
        ("https://models.github.ai/inference/chat/completions", False),
    ],
)
def test_what_a_flat_fee_pays_for_is_marked(catalogue: Catalogue, url: str, flat: bool) -> None:
    found = catalogue.match(split(url)[0], 443, "POST", split(url)[1])
    assert found is not None
    assert found.subscription is flat


@pytest.mark.parametrize(("url", "dialect", "model"), WITH_MODEL)
def test_a_path_may_name_the_model(catalogue: Catalogue, url: str, dialect: str, model: str) -> None:
    found = catalogue.match(split(url)[0], 443, "POST", split(url)[1])
    assert found is not None
    assert (found.dialect, found.captures["model"]) == (dialect, model)


@pytest.mark.parametrize("url", NO_CALLS)
def test_other_paths_and_hosts_are_no_calls(catalogue: Catalogue, url: str) -> None:
    assert catalogue.match(split(url)[0], 443, "POST", split(url)[1]) is None


@pytest.mark.parametrize("url", [url for url, *_ in CALLS] + [url for url, *_ in WITH_MODEL])
@pytest.mark.parametrize("other", ["/v1/models", "/v1/vector_stores", "/v1/files/f", "/", "/health"])
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
    resources = [item for item in midwatch_rules.resources() if item.kind is ResourceKind.CATALOGUE]
    assert [item.name for item in resources] == ["providers", "ai_hosts"]
    assert all(item.path.is_file() for item in resources)

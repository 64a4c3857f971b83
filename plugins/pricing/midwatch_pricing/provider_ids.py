"""Our names of providers, and the ids that the price list has for them."""

import ipaddress
from collections.abc import Container

# OpenTelemetry's `gen_ai.provider.name` values, and the spellings of catalogues, where the list's id is another.
_IDS = {
    "aws-bedrock": "aws",
    "bedrock": "aws",
    "azure-ai-openai": "azure",
    "azure-ai-inference": "azure",
    "azure-openai": "azure",
    "az-ai-openai": "azure",
    "cerebras-ai": "cerebras",
    "fireworks-ai": "fireworks",
    "gcp-code-assist": "google",
    "gcp-gemini": "google",
    "gcp-gen-ai": "google",
    "gcp-vertex-ai": "google",
    "gemini": "google",
    "vertex-ai": "google",
    "vertex": "google",
    "google-ai": "google",
    "minimax-ai": "minimax",
    "mistral-ai": "mistral",
    "moonshot": "moonshotai",
    "moonshot-ai": "moonshotai",
    "novita-ai": "novita",
    "together-ai": "together",
    "voyage": "voyageai",
    "voyage-ai": "voyageai",
    "xai": "x-ai",
    "z-ai": "zai",
    "zhipu": "zhipuai",
    "zhipu-ai": "zhipuai",
}
# Programs that serve models on the user's own machines.
_SELF_HOSTED = frozenset({"ollama", "vllm", "sglang", "lm-studio", "lmstudio", "llama-cpp", "llamacpp", "self-hosted"})
_LOCAL_ENDINGS = (".local", ".internal", ".lan", ".localhost", ".localdomain", ".home.arpa")


def listed_id(provider: str, known: Container[str]) -> str | None:
    """The price list's id for one of our provider names; None where it has none."""
    name = _spelling(provider)
    found = _IDS.get(name, name)
    return found if found in known else None


def is_self_hosted(provider: str, host: str) -> bool:
    """Whether a model runs on the user's own machines, as far as names and addresses tell; no host tells nothing."""
    return _spelling(provider) in _SELF_HOSTED or (host != "" and _is_local(host.lower().strip("[]").rstrip(".")))


def _spelling(provider: str) -> str:
    return provider.lower().replace("_", "-").replace(".", "-")


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_ENDINGS)
    return address.is_private or address.is_loopback or address.is_link_local

"""Providers' names in the conventions, as the catalogue's ids.

The conventions name some of them otherwise, or did: `xai` is `x_ai` since OpenTelemetry's 1.37, OpenInference says
`mistralai`, the AI SDK of Vercel `openai.chat`.
"""

from collections.abc import Mapping

_IDS: Mapping[str, str] = {
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "azure_ai_inference": "azure.ai.inference",
    "gemini": "gcp.gemini",
    "gcp.gen_ai": "gcp.gemini",
    "google": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "google_generative_ai": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "google_vertexai": "gcp.vertex_ai",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "amazon_bedrock": "aws.bedrock",
    "xai": "x_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "moonshotai": "moonshot_ai",
    "fireworks": "fireworks_ai",
    "together": "together_ai",
    "togetherai": "together_ai",
    "huggingface": "hugging_face",
    "hf": "hugging_face",
}
# Names with a dot that are whole names, and not a provider's with one of its interfaces behind it.
_DOTTED = frozenset(
    {"azure.ai.openai", "azure.ai.inference", "gcp.gemini", "gcp.vertex_ai", "aws.bedrock", "ibm.watsonx.ai"}
)
_VERTEX = "aiplatform.googleapis.com"
UNKNOWN = "unknown"
"""The provider of a span that names none (`_OTHER` in the conventions)."""


def provider_id(name: str | None, server: str | None) -> str:
    """The id for a provider's name; where that leaves Google's two services open, the server's address decides."""
    told = (name or "").strip().lower().replace(" ", "_").replace("-", "_")
    if told in ("", "_other"):
        return UNKNOWN
    found = _IDS.get(told, told)
    if found not in _DOTTED and "." in found:
        first = found.partition(".")[0]
        found = _IDS.get(first, first)
    if found == "gcp.gemini" and (server or "").lower().endswith(_VERTEX):
        return "gcp.vertex_ai"
    return found

"""Names of the OWASP ids that rules bear: https://genai.owasp.org/llm-top-10/ (2025)."""

from collections.abc import Mapping, Sequence

NAMES: Mapping[str, str] = {
    "LLM01:2025": "Prompt injection",
    "LLM02:2025": "Sensitive information disclosure",
    "LLM03:2025": "Supply chain",
    "LLM04:2025": "Data and model poisoning",
    "LLM05:2025": "Improper output handling",
    "LLM06:2025": "Excessive agency",
    "LLM07:2025": "System prompt leakage",
    "LLM08:2025": "Vector and embedding weaknesses",
    "LLM09:2025": "Misinformation",
    "LLM10:2025": "Unbounded consumption",
}


def named(ids: Sequence[str]) -> list[tuple[str, str]]:
    """Each id with its name, empty for one that is not of that list."""
    return [(item, NAMES.get(item, "")) for item in ids]

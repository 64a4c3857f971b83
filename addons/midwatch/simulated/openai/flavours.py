"""Who speaks OpenAI's chat language, told apart by host and path, and what each does in its own way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One vendor's way.

    `usage_always`: the stream ends with usage without being asked. `usage_with_finish`: it rides on the chunk with the
    finish reason instead of one without choices. `reasoning_field`: the delta's name for open reasoning.
    """

    name: str
    id_prefix: str = "chatcmpl-"
    id_length: int = 29
    usage_always: bool = False
    usage_with_finish: bool = False
    reasoning_field: str = "reasoning_content"
    obfuscation: bool = False
    fingerprint: str | None = None


OPENAI = Flavour(name="openai", obfuscation=True, fingerprint="fp_simulated0")
AZURE = Flavour(name="azure", obfuscation=True, fingerprint="fp_simulated1")
COMPATIBLE = Flavour(name="compatible", id_prefix="chatcmpl-", id_length=32)
GROQ = Flavour(name="groq", usage_always=True, reasoning_field="reasoning", fingerprint="fp_simulated2")
OPENROUTER = Flavour(name="openrouter", id_prefix="gen-", id_length=20, usage_always=True, reasoning_field="reasoning")
DEEPSEEK = Flavour(
    name="deepseek",
    id_prefix="",
    id_length=32,
    usage_always=True,
    usage_with_finish=True,
    fingerprint="fp_simulated3",
)
MISTRAL = Flavour(name="mistral", id_prefix="", id_length=32, usage_always=True, usage_with_finish=True)

_BY_HOST = (
    ("api.groq.com", GROQ),
    ("openrouter.ai", OPENROUTER),
    ("api.deepseek.com", DEEPSEEK),
    ("api.mistral.ai", MISTRAL),
    ("api.openai.com", OPENAI),
    ("openai.azure.com", AZURE),
)
_BY_PATH = (("/openai/deployments/", AZURE), ("/openai/v1/", GROQ), ("/api/v1/", OPENROUTER))
_LOOPBACK = ("127.0.0.1", "localhost", "::1", "")


def flavour_of(host: str, path: str) -> Flavour:
    """The vendor behind host and path: by host if it is known, then by path; on a loopback name OpenAI itself."""
    for name, flavour in _BY_HOST:
        if host == name or host.endswith("." + name):
            return flavour
    for prefix, flavour in _BY_PATH:
        if path.startswith(prefix):
            return flavour
    return OPENAI if host in _LOOPBACK else COMPATIBLE

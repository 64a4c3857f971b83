"""Who made a model that another provider serves, for where that one has no price for it."""

import re

# Providers with models of many makers under the makers' own names.
RESELLERS = frozenset({"github-copilot"})
_MAKERS = (
    (re.compile(r"^claude-"), "anthropic"),
    (re.compile(r"^(?:gpt-|o\d\b|text-embedding-|codex-)"), "openai"),
    (re.compile(r"^gemini-"), "google"),
    (re.compile(r"^grok-"), "x-ai"),
)
# `claude-sonnet-4.5` is `claude-sonnet-4-5` to Anthropic.
_DOTTED = re.compile(r"(?<=\d)\.(?=\d)")


def made_by(model: str) -> tuple[str, str] | None:
    """The price list's id of a model's maker, and the maker's own name of it; None where the name does not tell."""
    name = model.lower()
    for pattern, maker in _MAKERS:
        if pattern.match(name):
            return maker, _DOTTED.sub("-", name) if maker == "anthropic" else name
    return None

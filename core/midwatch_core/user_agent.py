"""Which application it is, by its `User-Agent`."""

# `OpenAI/Python 1.99.7` is OpenAI/Python; `claude-cli/1.0.83 (external, cli)` is claude-cli.
_LANGUAGES = frozenset({"python", "js", "go", "java", "ruby", "node", "csharp", "dotnet"})


def application(user_agent: str) -> str | None:
    """The product in a `User-Agent`, without its version (RFC 9110, section 10.1.5)."""
    first = user_agent.split(" ", 1)[0]
    product, _, version = first.partition("/")
    if version.split("/")[0].lower() in _LANGUAGES:
        return f"{product}/{version.split('/')[0]}"
    return product or None

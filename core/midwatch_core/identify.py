"""Who is it: identity from what a request shows of its sender."""

from collections.abc import Mapping

from midwatch_core.model.identity import Identity

# `OpenAI/Python 1.99.7` is OpenAI/Python; `claude-cli/1.0.83 (external, cli)` is claude-cli.
_LANGUAGES = frozenset({"python", "js", "go", "java", "ruby", "node", "csharp", "dotnet"})
_MAX_LABEL = 200


def identify(headers: Mapping[str, str], *, client: str | None, tenant: str, app: str | None = None) -> Identity:
    """The identity of a request. `headers` have names in lower case; `app` is a name given by `exec --app`."""
    learned = {"tenant": "default"}
    user_agent = headers.get("user-agent", "")[:_MAX_LABEL] or None
    if app:
        learned["app"] = "exec"
    elif user_agent and (app := application(user_agent)):
        learned["app"] = "user-agent"
    if client:
        learned["client"] = "connection"
    return Identity(tenant=tenant, app=app or None, client=client, user_agent=user_agent, learned_from=learned)


def application(user_agent: str) -> str | None:
    """The product in a `User-Agent`, without its version (RFC 9110, section 10.1.5)."""
    first = user_agent.split(" ", 1)[0]
    product, _, version = first.partition("/")
    if version.split("/")[0].lower() in _LANGUAGES:
        return f"{product}/{version.split('/')[0]}"
    return product or None

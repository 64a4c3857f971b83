"""What is looked at of a call's headers and query: everything else, keys and cookies first, stays out of the record."""

# What a dialect or an identity may want.
REQUEST_HEADERS = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "mcp-session-id",
        "openai-beta",
        "traceparent",
        "user-agent",
    }
)
# What AWS says in the head alone: the tokens of models whose bodies have none, an error's type.
_DIALECTS_HEADERS = frozenset(
    {
        "x-amzn-bedrock-cache-read-input-token-count",
        "x-amzn-bedrock-cache-write-input-token-count",
        "x-amzn-bedrock-input-token-count",
        "x-amzn-bedrock-output-token-count",
        "x-amzn-bedrock-service-tier",
        "x-amzn-errortype",
        "x-amzn-requestid",
    }
)
RESPONSE_HEADERS = _DIALECTS_HEADERS | {"content-type", "content-encoding", "content-length"}
QUERY = ("alt", "api-version", "beta", "deployment", "model")
# How the tokens begin that `claude` and `claude setup-token` get for a subscription.
_CLAUDE_LOGIN = "sk-ant-oat"


def is_claude_login(authorization: str) -> bool:
    """Whether the credential is a Claude subscription's, as Claude Code has it after its login; no more is looked at.

    An API key begins otherwise, and stands in another header (https://code.claude.com/docs/en/authentication).
    """
    scheme, _, token = authorization.partition(" ")
    return scheme.lower() == "bearer" and token.startswith(_CLAUDE_LOGIN)

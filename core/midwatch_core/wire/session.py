"""What a client calls its conversation: a header of its own, or a member of its request.

Only names that stand for one conversation are here. An editor's window (`vscode-sessionid`) holds many conversations,
Copilot's `x-interaction-id` is one question of many, OpenAI's `prompt_cache_key` is shared by all who share a prompt:
there the chain of what was said is the better witness.
"""

from collections.abc import Mapping

from midwatch_core.model.content import Request

# The first that is there counts.
SESSION_HEADERS = (
    # Claude Code (code.claude.com/docs/en/llm-gateway-protocol).
    "x-claude-code-session-id",
    # Codex, with hyphens since May 2026 (github.com/openai/codex/pull/21757 and /22193). Its `thread-id` is narrower.
    "session-id",
    "session_id",
    # opencode (sst/opencode, packages/opencode/src/session/llm), which sends the last one to any provider.
    "x-opencode-session",
    "x-session-affinity",
    # Helicone (docs.helicone.ai/features/sessions), LiteLLM (docs.litellm.ai/docs/proxy/ui_logs_sessions).
    "helicone-session-id",
    "x-litellm-session-id",
    # OpenRouter (openrouter.ai/docs/guides/features/broadcast), and what people call it by themselves.
    "x-session-id",
    "x-conversation-id",
    "x-thread-id",
    # MCP over HTTP (modelcontextprotocol.io/specification/2025-06-18/basic/transports#session-management).
    "mcp-session-id",
)
# In a body: Gemini CLI's Code Assist (google-gemini/gemini-cli, packages/core/src/code_assist/converter.ts),
# OpenRouter, LiteLLM, Langfuse through LiteLLM, and what others put into OpenAI's `metadata`.
_MEMBERS = (
    ("request", "session_id"),
    ("session_id",),
    ("litellm_session_id",),
    ("metadata", "session_id"),
    ("metadata", "langfuse_session_id"),
    ("client_metadata", "session_id"),
)
_LONGEST = 256


def session_of(
    headers: Mapping[str, str], request: Request, document: object, *, own: tuple[str, ...] = ()
) -> str | None:
    """The name of the conversation that a request belongs to; None where its client gives it none.

    `headers` have names in lower case; `own` are further names that come first. `document` is the request's JSON.
    Claude Code without its header names it in `metadata.user_id`, which its dialect reads as the conversation.
    """
    for name in (*own, *SESSION_HEADERS):
        if session := session_name(headers.get(name)):
            return session
    if isinstance(document, dict):
        for path in _MEMBERS:
            if session := session_name(_at(document, path)):
                return session
        if isinstance(document.get("metadata"), dict) and "user_id" in document["metadata"]:
            return session_name(request.conversation_id)
    return None


def _at(document: object, path: tuple[str, ...]) -> object:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def session_name(value: object) -> str | None:
    """A name of a conversation as it may be kept: one that can be shown on one line; None for anything else."""
    if not isinstance(value, str):
        return None
    name = value.strip()
    return name if 0 < len(name) <= _LONGEST and name.isprintable() else None

"""Why Gemini stopped: its words, and their numbers where a client asked for enums as integers."""

from midwatch_core.model.content import FinishReason, Json

_REASONS: dict[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "MALFORMED_FUNCTION_CALL": FinishReason.ERROR,
    "UNEXPECTED_TOOL_CALL": FinishReason.ERROR,
    "TOO_MANY_TOOL_CALLS": FinishReason.ERROR,
    "MALFORMED_RESPONSE": FinishReason.ERROR,
} | dict.fromkeys(
    (
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MODEL_ARMOR",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    ),
    FinishReason.CONTENT_FILTER,
)
# The numbers on which Vertex AI and the Gemini API agree.
_NUMBERS = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION"}


def finish_reason(value: Json, *, called_tools: bool) -> tuple[FinishReason | None, str | None]:
    """The normalised reason and the provider's own. A turn that ends in calls is a plain STOP to Gemini."""
    raw = _NUMBERS.get(value, str(value)) if type(value) is int else value
    if not isinstance(raw, str) or not raw or raw == "FINISH_REASON_UNSPECIFIED":
        return None, None
    reason = _REASONS.get(raw, FinishReason.OTHER)
    return (FinishReason.TOOL_CALLS if called_tools and reason is FinishReason.STOP else reason), raw


def block_reason(value: Json) -> tuple[FinishReason | None, str | None]:
    """The same for a prompt that was blocked before the model saw it."""
    raw = str(value) if type(value) is int and value else value
    if not isinstance(raw, str) or not raw or raw in ("BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED"):
        return None, None
    return FinishReason.CONTENT_FILTER, raw

"""Why a model on Bedrock stopped: the words of Converse, and those of the models' own formats."""

from midwatch_core.model.content import FinishReason

# Converse's `stopReason`: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
_CONVERSE = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "guardrail_intervened": FinishReason.CONTENT_FILTER,
    "content_filtered": FinishReason.CONTENT_FILTER,
}
# Amazon Titan's, Meta's, Mistral's, Cohere's and AI21's.
_OTHERS = {
    "finish": FinishReason.STOP,
    "finished": FinishReason.STOP,
    "stop": FinishReason.STOP,
    "complete": FinishReason.STOP,
    "endoftext": FinishReason.STOP,
    "stop_criteria_met": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_call": FinishReason.TOOL_CALLS,
    "tool_calls": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "content_filtered": FinishReason.CONTENT_FILTER,
    "error_toxic": FinishReason.CONTENT_FILTER,
    "rag_query_when_rag_disabled": FinishReason.OTHER,
    "error": FinishReason.ERROR,
}


def converse_reason(raw: str | None) -> FinishReason | None:
    """Converse's word in ours."""
    return _CONVERSE.get(raw, FinishReason.OTHER) if raw else None


def model_reason(raw: str | None) -> FinishReason | None:
    """A model's own word in ours."""
    return _OTHERS.get(raw.lower(), FinishReason.OTHER) if raw else None

"""Finish reasons of OpenAI's API and of its compatible vendors."""

from midwatch_core.model.content import FinishReason

_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,  # Together
    "eos_token": FinishReason.STOP,  # text-generation-inference
    "stop_sequence": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,  # Mistral: the context is full
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "sensitive": FinishReason.CONTENT_FILTER,  # Zhipu
    "refusal": FinishReason.REFUSAL,
    "error": FinishReason.ERROR,  # OpenRouter, Mistral
    "insufficient_system_resource": FinishReason.ERROR,  # DeepSeek
    "network_error": FinishReason.ERROR,  # Zhipu
    "abort": FinishReason.CANCELLED,  # vLLM, SGLang
}


def finish_reason(raw: str | None) -> FinishReason | None:
    """The provider's word in our vocabulary; None while the model goes on."""
    return _REASONS.get(raw, FinishReason.OTHER) if raw else None

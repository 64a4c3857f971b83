"""Tokens of a call, with every provider's own way of counting normalised once."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the provider reported them, in one meaning for all. None is "not reported", never zero.

    - `input_tokens` is everything the model read, cache reads and cache writes included (OpenAI, Gemini and
      OpenTelemetry count so; Anthropic's and Bedrock's cache counts are added by their dialects).
    - `output_tokens` is everything the model wrote, reasoning included (Gemini's thoughts are added by its dialect).
    - `cache_read_tokens`, `cache_write_5m_tokens`, `cache_write_1h_tokens`, `input_audio_tokens` and
      `input_image_tokens` are parts of the input; `reasoning_tokens`, `output_audio_tokens`, `output_image_tokens`
      parts of the output. `cache_audio_read_tokens` is a part of both the cache reads and the input audio.
    - `tool_fees` counts calls billed apart, by the provider's name for them (`web_search`: 2), and what is billed by
      another count than tokens (`audio_seconds`: 9).
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    cache_audio_read_tokens: int | None = None
    output_audio_tokens: int | None = None
    output_image_tokens: int | None = None
    tool_fees: Mapping[str, int] = field(default_factory=dict)

    @property
    def cache_write_tokens(self) -> int | None:
        """Cache writes of either lifetime, None where none was reported."""
        if self.cache_write_5m_tokens is None and self.cache_write_1h_tokens is None:
            return None
        return (self.cache_write_5m_tokens or 0) + (self.cache_write_1h_tokens or 0)

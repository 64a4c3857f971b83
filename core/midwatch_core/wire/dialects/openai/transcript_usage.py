"""What a transcript was billed by: tokens, or the seconds of its sound."""

import math

from midwatch_core.model.usage import Usage
from midwatch_core.wire.dialects.openai.usage import read_chat_usage
from midwatch_core.wire.node import Node

# The name in `Usage.tool_fees` under which seconds of sound are counted, begun ones in full.
SECONDS = "audio_seconds"
_MAX_SECONDS = 10_000_000


def read_transcript_usage(usage: Node, duration: Node) -> Usage | None:
    """Tokens where they are counted, else the seconds that usage or the transcript itself names (whisper-1, Groq).

    Mistral counts tokens in the chat's words, and its seconds beside them.
    """
    if usage and usage["prompt_tokens"]:
        return read_chat_usage(usage)
    tokens = usage["input_tokens"].whole()
    if tokens is not None:
        return Usage(
            input_tokens=tokens,
            output_tokens=usage["output_tokens"].whole(),
            input_audio_tokens=usage["input_token_details"]["audio_tokens"].whole(),
        )
    seconds = _seconds(usage["seconds"]) or _seconds(duration)
    return Usage(tool_fees={SECONDS: seconds}) if seconds else None


def _seconds(value: Node) -> int:
    said = value.value
    if isinstance(said, str):  # whisper-1 has written its duration as a string
        try:
            said = float(said)
        except ValueError:
            return 0
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said <= _MAX_SECONDS:
        return 0
    return math.ceil(said)

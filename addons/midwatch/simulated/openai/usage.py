"""Usage as OpenAI and its kin report it: cached and reasoning tokens are *parts of* the input and output counts."""

from __future__ import annotations

from midwatch.simulated.call import Json
from midwatch.simulated.script import Script
from midwatch.simulated.turn import Turn

_CACHE_FROM = 1024
_CACHE_STEP = 128


def cached_tokens(input_tokens: int, script: Script) -> int:
    """Prompt tokens out of the cache: as scripted; else half of a prompt of 1,024 or more, in steps of 128."""
    if script.cached is not None:
        return min(script.cached, input_tokens)
    return input_tokens // 2 // _CACHE_STEP * _CACHE_STEP if input_tokens >= _CACHE_FROM else 0


def chat_usage(turn: Turn, script: Script, flavour: str, choices: int = 1) -> Json:
    """`usage` of Chat Completions; `choices` answers were generated for one prompt."""
    cached = cached_tokens(turn.input_tokens, script)
    output = turn.output_tokens * choices
    usage: Json = {
        "prompt_tokens": turn.input_tokens,
        "completion_tokens": output,
        "total_tokens": turn.input_tokens + output,
    }
    reasoning = len(turn.thinking) * choices
    if flavour == "mistral":
        return usage
    if flavour == "deepseek":
        usage |= {"prompt_cache_hit_tokens": cached, "prompt_cache_miss_tokens": turn.input_tokens - cached}
        return usage | _details({"cached_tokens": cached}, {"reasoning_tokens": reasoning})
    if flavour == "groq":
        usage |= {"queue_time": 0.002, "prompt_time": 0.004, "completion_time": 0.06, "total_time": 0.064}
        return usage | _details({"cached_tokens": cached}, {"reasoning_tokens": reasoning})
    if flavour == "openrouter":
        usage |= {"cost": 0, "is_byok": False}
    prompt_details: Json = {"cached_tokens": cached, "audio_tokens": 0}
    if script.cache_write is not None:
        prompt_details["cache_write_tokens"] = min(script.cache_write, turn.input_tokens - cached)
    return usage | _details(
        prompt_details,
        {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    )


def _details(prompt: Json, completion: Json) -> Json:
    return {"prompt_tokens_details": prompt, "completion_tokens_details": completion}


def responses_usage(turn: Turn, script: Script) -> Json:
    """`usage` of the Responses API."""
    cached = cached_tokens(turn.input_tokens, script)
    details: Json = {"cached_tokens": cached}
    if script.cache_write is not None:
        details["cache_write_tokens"] = min(script.cache_write, turn.input_tokens - cached)
    return {
        "input_tokens": turn.input_tokens,
        "input_tokens_details": details,
        "output_tokens": turn.output_tokens,
        "output_tokens_details": {"reasoning_tokens": len(turn.thinking)},
        "total_tokens": turn.input_tokens + turn.output_tokens,
    }


def realtime_usage(turn: Turn, script: Script, *, heard: int, spoken: int) -> Json:
    """`usage` of the Realtime protocol; `heard` and `spoken` tokens are of sound, beside those of text."""
    cached = cached_tokens(turn.input_tokens, script)
    input_tokens, output_tokens = turn.input_tokens + heard, turn.output_tokens + spoken
    return {
        "total_tokens": input_tokens + output_tokens,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "input_token_details": {
            "text_tokens": turn.input_tokens,
            "audio_tokens": heard,
            "image_tokens": 0,
            "cached_tokens": cached,
            "cached_tokens_details": {"text_tokens": cached, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": turn.output_tokens, "audio_tokens": spoken},
    }

"""OpenAI's sound: text spoken, and sound heard (sound that is text in ASCII says that text)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import orjson

from midwatch.simulated.call import Answer, Call, Json
from midwatch.simulated.openai import errors as openai_errors
from midwatch.simulated.openai.realtime_audio import speech as sound_of
from midwatch.simulated.openai.realtime_audio import tokens_of, transcript_of
from midwatch.simulated.script import Script
from midwatch.simulated.transport.framing import data_event
from midwatch.simulated.wording import count_tokens, pieces

_BYTES_OF_A_SECOND = 16_000
_EVENTS = "text/event-stream; charset=utf-8"


def speech(call: Call, script: Script) -> Answer:
    """The answer to `POST …/audio/speech`: sound, or events of it."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    said = pieces(str(call.body.get("input", "")))
    sound = [sound_of(token) for token in said]
    headers = openai_errors.headers(call)
    if call.body.get("stream_format") == "sse":
        return Answer(headers=headers, content_type=_EVENTS, events=_spoken(call, sound))
    return Answer(headers=headers, content_type="audio/mpeg", body=b"".join(map(base64.b64decode, sound)))


def _spoken(call: Call, sound: list[str]) -> Iterator[bytes]:
    for piece in sound:
        yield data_event({"type": "speech.audio.delta", "audio": piece})
    read = count_tokens(len(str(call.body.get("input", ""))))
    usage = {"input_tokens": read, "output_tokens": len(sound), "total_tokens": read + len(sound)}
    yield data_event({"type": "speech.audio.done", "usage": usage})


def transcription(call: Call, script: Script) -> Answer:
    """The answer to `POST …/audio/transcriptions` and `…/translations`, in the format that is asked for."""
    if script.status >= 400:
        return openai_errors.error(call, script)
    heard = _file(call)
    text = script.answer if script.answer is not None else transcript_of(heard)
    usage = _usage(str(call.body.get("model", "")), heard, text)
    headers = openai_errors.headers(call)
    if call.body.get("stream") in (True, "true"):
        return Answer(headers=headers, content_type=_EVENTS, events=_heard(text, usage))
    form = call.body.get("response_format", "json")
    if form in ("text", "srt", "vtt"):
        return Answer(headers=headers, content_type="text/plain; charset=utf-8", body=f"{text}\n".encode())
    body: Json = {"text": text, "usage": usage}
    if form == "verbose_json":
        seconds = float(_seconds(heard))
        passage = {"id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": text, "tokens": [], "temperature": 0.0}
        passage |= {"avg_logprob": -0.1, "compression_ratio": 1.0, "no_speech_prob": 0.0}
        body |= {"task": "transcribe", "language": "english", "duration": seconds, "segments": [passage]}
    return Answer(headers=headers, body=orjson.dumps(body))


def _file(call: Call) -> bytes:
    file = call.body.get("file")
    data: Any = file.get("data") if isinstance(file, dict) else None
    return data if isinstance(data, bytes) else b""


def _seconds(heard: bytes) -> int:
    return -(-len(heard) // _BYTES_OF_A_SECOND) or 1


def _usage(model: str, heard: bytes, text: str) -> Json:
    """Whisper bills seconds, its successors tokens."""
    if "whisper" in model:
        return {"type": "duration", "seconds": _seconds(heard)}
    read, wrote = tokens_of(len(heard)) or 1, len(pieces(text))
    details = {"audio_tokens": read, "text_tokens": 0}
    total = {"input_tokens": read, "output_tokens": wrote, "total_tokens": read + wrote}
    return {"type": "tokens", "input_token_details": details, **total}


def _heard(text: str, usage: Json) -> Iterator[bytes]:
    for piece in pieces(text):
        yield data_event({"type": "transcript.text.delta", "delta": piece})
    yield data_event({"type": "transcript.text.done", "text": text, "usage": usage})

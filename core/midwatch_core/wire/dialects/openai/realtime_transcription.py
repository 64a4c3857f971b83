"""The transcription of what a Realtime user said: a call of its own, to a model of its own, billed by itself."""

from collections.abc import Mapping

from midwatch_core.model.content import Json


def transcription_of(session: Mapping[str, Json]) -> dict[str, Json] | None:
    """The settings of transcription, of today's shape or the beta's; None where none is asked for."""
    audio = session.get("audio")
    heard = audio.get("input") if isinstance(audio, dict) else None
    today = heard.get("transcription") if isinstance(heard, dict) else None
    settings = today or session.get("input_audio_transcription")
    return settings if isinstance(settings, dict) else None


def transcription_request(session: Mapping[str, Json]) -> dict[str, Json]:
    """The call's request, in the shape of a session's settings: the hint of what to expect as its instructions."""
    settings = transcription_of(session) or {}
    request = {("instructions" if key == "prompt" else key): value for key, value in settings.items()}
    return {"session": request | {"id": session.get("id")}}


def transcribed(event: Mapping[str, Json]) -> dict[str, Json]:
    """The user's item as the conversation's model reads it."""
    content: Json = {"type": "input_audio", "transcript": event.get("transcript")}
    return {"type": "message", "role": "user", "id": event.get("item_id"), "content": [content]}

"""What a simulated Realtime session remembers: its settings, in today's shape or the beta's, and its items."""

from __future__ import annotations

from typing import Any

from midwatch.simulated.call import Json
from midwatch.simulated.models import dated
from midwatch.simulated.openai.chat import content_text
from midwatch.simulated.openai.realtime_audio import tokens_of
from midwatch.simulated.turn import Prompt, Tool
from midwatch.simulated.wording import count_tokens, volume

_MAX_ITEMS = 500
_INSTRUCTIONS = "You are a helpful simulated voice."


class RealtimeConversation:
    """One session's state. `beta` chooses the shape of the settings that the server shows."""

    def __init__(self, session_id: str, model: str, *, beta: bool, transcribes: bool) -> None:
        self.items: list[Json] = []
        self.heard_bytes = 0
        vad = {"type": "server_vad", "create_response": True, "interrupt_response": True}
        shaped: Json = {
            "audio": {"input": {"turn_detection": vad, "transcription": None}},
            "output_modalities": ["audio"],
        }
        if beta:
            shaped = {"turn_detection": vad, "input_audio_transcription": None, "modalities": ["audio", "text"]}
        self.settings: Json = {
            "id": session_id,
            "object": "realtime.session",
            "type": "transcription" if transcribes else "realtime",
            "model": model,
            "instructions": _INSTRUCTIONS,
            "tools": [],
            "tool_choice": "auto",
            **shaped,
        }

    def configure(self, changes: Json) -> None:
        """A `session.update`: members replace what was there, those of sound one by one."""
        audio = _object(self.settings.get("audio"))
        for side, given in _object(changes.get("audio")).items():
            audio = audio | {side: _object(audio.get(side)) | _object(given)}
        self.settings = self.settings | changes | ({"audio": audio} if audio else {})

    @property
    def transcription(self) -> Json | None:
        """The settings of transcription, None where none is wanted."""
        found = self._input().get("transcription") or self.settings.get("input_audio_transcription")
        return found if isinstance(found, dict) else None

    @property
    def answers_speech(self) -> bool:
        """Whether the server answers by itself when the user has spoken."""
        vad = self.detects_speech
        return bool(vad) and vad.get("create_response") is not False and self.settings["type"] == "realtime"

    @property
    def detects_speech(self) -> Json:
        """The settings of voice activity detection; empty where the client says when speech ends."""
        return _object(self._input().get("turn_detection") or self.settings.get("turn_detection"))

    def add(self, item: Json) -> None:
        """An item at the end; the oldest goes where there are too many."""
        self.items.append(item)
        del self.items[:-_MAX_ITEMS]

    def speaks(self, params: Json) -> bool:
        """Whether a response is to be spoken, by its own settings or the session's."""
        both = (params, self.settings)
        wanted = next((held[key] for held in both for key in ("output_modalities", "modalities") if held.get(key)), ())
        return "audio" in wanted

    def heard(self, params: Json) -> int:
        """Tokens of sound that a response reads."""
        return 0 if isinstance(params.get("input"), list) else tokens_of(self.heard_bytes)

    def prompt(self, params: Json) -> Prompt:
        """What a response reads: its own settings before the session's, its own input instead of the conversation."""
        effective = self.settings | {key: value for key, value in params.items() if value is not None}
        given = params.get("input")
        items = given if isinstance(given, list) else self.items
        limit = effective.get("max_output_tokens", effective.get("max_response_output_tokens"))
        said = volume(items) + volume(effective.get("instructions")) + volume(effective.get("tools"))
        return Prompt(
            model=dated(str(effective["model"])),
            text=_last_words(items),
            input_tokens=count_tokens(said) + 3,
            tools=_tools(effective),
            limit=limit if isinstance(limit, int) else None,
        )

    def _input(self) -> Json:
        return _object(_object(self.settings.get("audio")).get("input"))


def _last_words(items: list[Any]) -> str:
    """The text, or the transcript, of the last item if it is a user's."""
    last = items[-1] if items else None
    if not isinstance(last, dict) or last.get("role") != "user":
        return ""
    content = last.get("content")
    spoken = [part.get("transcript") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return content_text(content) or " ".join(text for text in spoken if isinstance(text, str))


def _tools(effective: Json) -> tuple[Tool, ...]:
    tools = effective.get("tools")
    if not isinstance(tools, list) or effective.get("tool_choice") == "none":
        return ()
    functions = [tool for tool in tools if isinstance(tool, dict) and tool.get("type") == "function"]
    return tuple(Tool(name=str(tool.get("name")), schema=tool.get("parameters")) for tool in functions)


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}

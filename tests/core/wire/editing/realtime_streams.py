"""Realtime answers, as the simulated server makes them: text, speech, a call and a transcription; of the beta too."""

import json
from typing import Any

from midwatch.simulated.openai.realtime_events import Answering, response_events
from midwatch.simulated.openai.realtime_wording import Wording
from midwatch.simulated.turn import ToolCall, Turn

WORDS = ("Grüße ", "😀 an ", "alle, wo immer.")
ITEM = {"id": "item_1", "object": "realtime.item", "type": "message", "role": "assistant", "status": "completed"}
USAGE = {"total_tokens": 12, "input_tokens": 9, "output_tokens": 3}


def answering(*, spoken: bool = False, call: bool = False, in_conversation: bool = False) -> Answering:
    """One response of one item, which is told again where it is of the conversation."""
    now = ToolCall(name="now", arguments={"zone": "utc"}, pieces=('{"zone": "u', 'tc"}'))
    turn = Turn(model="gpt-realtime", input_tokens=9, reply=() if call else WORDS, calls=(now,) if call else ())
    part = {"type": "output_audio", "transcript": turn.text} if spoken else {"type": "output_text", "text": turn.text}
    item: dict[str, Any] = {**ITEM, "content": [part]}
    if call:
        item = {"id": "item_1", "type": "function_call", "name": "now", "call_id": "call_1"}
        item["arguments"] = now.json
    return Answering(
        base={"id": "resp_1", "object": "realtime.response", "status_details": None, "output": [], "usage": None},
        items=[item],
        turn=turn,
        spoken=spoken,
        usage=USAGE,
        in_conversation=in_conversation,
        cancelled=lambda: False,
    )


def messages(answer: Answering, *, beta: bool = False) -> list[bytes]:
    """The messages of one response, but for the session's own that follow."""
    wording = Wording(beta=beta)
    return [wording.write(event) for event in response_events(answer) if event["type"] != "rate_limits.updated"]


def transcription() -> list[dict[str, Any]]:
    """What a user said."""
    kind, place = "conversation.item.input_audio_transcription", {"item_id": "item_0", "content_index": 0}
    deltas = [{"type": f"{kind}.delta", **place, "delta": word, "logprobs": [{"token": word}]} for word in WORDS]
    usage = {"type": "tokens", "total_tokens": 12, "input_tokens": 9, "output_tokens": 3}
    return [*deltas, {"type": f"{kind}.completed", **place, "transcript": "".join(WORDS), "usage": usage}]


def as_sse(events: list[bytes]) -> bytes:
    """As the host gives messages to the editor."""
    return b"".join(b"data: " + event + b"\n\n" for event in events)


BODIES = {
    "realtime-text": as_sse(messages(answering())),
    "realtime-speech": as_sse(messages(answering(spoken=True))),
    "realtime-told-again": as_sse(messages(answering(spoken=True, in_conversation=True))),
    "realtime-call": as_sse(messages(answering(call=True))),
    "realtime-beta": as_sse(messages(answering(), beta=True)),
    "realtime-beta-speech": as_sse(messages(answering(spoken=True), beta=True)),
    "realtime-transcription": as_sse([json.dumps(event).encode() for event in transcription()]),
}

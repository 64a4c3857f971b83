"""The Realtime protocol: OpenAI's own client against the simulated server, and our reader beside it."""

import base64
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import websockets
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from midwatch.simulated import SimulatedProviders
from midwatch.simulated.openai.realtime_audio import SpeechBuffer, tokens_of, transcript_of
from midwatch_core.model.content import FinishReason, Operation
from midwatch_core.wire.dialects.openai.realtime import OpenAIRealtime
from midwatch_core.wire.target import Target
from tests.core.wire.socket_checks import Talk

SILENCE = base64.b64encode(bytes(320)).decode()
TRANSCRIPTION: Any = {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}
TOOL: Any = {"type": "function", "name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}}}


def sound(text: str) -> str:
    """What a simulated ear hears as this text."""
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
async def client(sim: SimulatedProviders) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"https://127.0.0.1:{sim.tls_port}/v1"
    async with openai.AsyncOpenAI(api_key="sk-x", base_url=url, max_retries=0) as made:
        yield made


@pytest.fixture
async def session(sim: SimulatedProviders, client: openai.AsyncOpenAI) -> AsyncIterator[Any]:
    """A session that answers in text."""
    trust = ssl.create_default_context(cafile=str(sim.ca_file))
    options: Any = {"ssl": trust}
    async with client.realtime.connect(model="gpt-realtime", websocket_connection_options=options) as connection:
        assert (await connection.recv()).type == "session.created"
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        assert (await connection.recv()).type == "session.updated"
        yield connection


async def write(session: Any, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    await session.conversation.item.create(item={"type": "message", "role": "user", "content": content})


async def until(session: Any, *types: str) -> list[Any]:
    """All events up to the first of these types."""
    events = []
    async for event in session:
        events.append(event)
        if event.type in types:
            break
    return events


async def answer(session: Any) -> list[Any]:
    return await until(session, "response.done", "error")


def of(events: list[Any], type_: str) -> list[Any]:
    return [event for event in events if event.type == type_]


async def test_a_conversation_in_text(session: Any, sim: SimulatedProviders) -> None:
    await write(session, "Repeat after me: Grüße, Zoë")
    await session.response.create()
    events = await answer(session)
    done = events[-1].response
    assert "".join(event.delta for event in of(events, "response.output_text.delta")) == "Grüße, Zoë"
    assert (done.status, done.output[0].content[0].text) == ("completed", "Grüße, Zoë")
    usage = done.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.input_tokens == usage.input_token_details.text_tokens + usage.input_token_details.audio_tokens
    await write(session, "And again.")
    await session.response.create()
    assert (await answer(session))[-1].response.usage.input_tokens > usage.input_tokens
    assert json.loads(sim.received[2].body)["item"]["content"][0]["text"] == "Repeat after me: Grüße, Zoë"


async def test_speech_comes_with_its_transcript(session: Any) -> None:
    await write(session, "Repeat after me: one two")
    await session.response.create(response={"output_modalities": ["audio"]})
    events = await answer(session)
    spoken = of(events, "response.output_audio.delta")
    assert "".join(event.delta for event in of(events, "response.output_audio_transcript.delta")) == "one two"
    assert sum(len(base64.b64decode(event.delta)) for event in spoken) == 2 * 320
    assert events[-1].response.usage.output_token_details.audio_tokens == 2


async def test_silence_after_speech_begins_an_answer(session: Any) -> None:
    await session.session.update(session={"type": "realtime", "audio": TRANSCRIPTION})
    said = sound("Repeat after me: Lisbon")
    await session.input_audio_buffer.append(audio=said)
    await session.input_audio_buffer.append(audio=SILENCE)
    events = await answer(session)
    heard = of(events, "conversation.item.input_audio_transcription.completed")
    assert [event.transcript for event in heard] == ["Repeat after me: Lisbon"]
    assert heard[0].usage.total_tokens == heard[0].usage.input_tokens + heard[0].usage.output_tokens
    assert events[-1].response.output[0].content[0].text == "Lisbon"
    assert events[-1].response.usage.input_token_details.audio_tokens == 1


async def test_the_client_may_say_when_speech_ends(session: Any) -> None:
    await session.session.update(session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    await session.input_audio_buffer.append(audio=sound("Repeat after me: manual"))
    await session.input_audio_buffer.append(audio=SILENCE)
    await session.input_audio_buffer.commit()
    await session.response.create()
    events = await answer(session)
    assert not of(events, "input_audio_buffer.speech_stopped")
    assert events[-1].response.output[0].content[0].text == "manual"
    await session.input_audio_buffer.append(audio=sound("x"))
    await session.input_audio_buffer.clear()
    await session.input_audio_buffer.commit()
    (*_, error) = await until(session, "error")
    assert error.error.code == "input_audio_buffer_commit_empty"


async def test_a_tool_is_called_and_its_result_is_read(session: Any) -> None:
    await session.session.update(session={"type": "realtime", "tools": [TOOL]})
    await write(session, 'use the tool with {"city": "Bath"}')
    await session.response.create()
    events = await answer(session)
    call = events[-1].response.output[0]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Bath"})
    assert of(events, "response.function_call_arguments.done")[0].arguments == call.arguments
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    await session.conversation.item.create(item=output)
    await session.response.create()
    assert (await answer(session))[-1].response.output[0].type == "message"


async def test_a_response_is_cancelled(session: Any) -> None:
    await write(session, "Tell me about tides")
    script = {"x-sim": "gap_ms=20,tokens=400"}
    await session.response.create(response={"metadata": script})
    begun = (await until(session, "response.output_text.delta"))[-1]
    await session.response.cancel(response_id=begun.response_id)
    done = (await answer(session))[-1].response
    assert (done.status, done.status_details.reason) == ("cancelled", "client_cancelled")
    await session.response.cancel()
    (*_, error) = await until(session, "error")
    assert error.error.code == "response_cancel_not_active"


async def test_responses_outside_the_conversation_come_together(session: Any) -> None:
    for name in ("a", "b"):
        told: Any = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"about {name}"}]}]
        await session.response.create(
            response={"conversation": "none", "input": told, "metadata": {"name": name, "x-sim": "gap_ms=5"}}
        )
    events = [*await answer(session), *await answer(session)]
    assert [event.response.metadata["name"] for event in of(events, "response.created")] == ["a", "b"]
    begun = [event.type for event in events if event.type in ("response.created", "response.done")]
    assert begun == ["response.created", "response.created", "response.done", "response.done"]
    assert not of(events, "conversation.item.added")


async def test_errors_name_the_message_and_the_session_goes_on(session: Any) -> None:
    await session.send({"type": "session.dance", "event_id": "e1"})
    assert (await session.recv()).error.event_id == "e1"
    await session.send({"type": "conversation.item.create", "event_id": "e2"})
    assert (await session.recv()).error.param == "item"
    await session.send({"type": "input_audio_buffer.append", "event_id": "e3", "audio": "no base64!"})
    assert (await session.recv()).error.event_id == "e3"
    await session.send({"type": "response.create", "event_id": "e4", "response": {"metadata": {"x-sim": "status=429"}}})
    assert (await session.recv()).error.event_id == "e4"
    await write(session, "Repeat after me: still here")
    await session.response.create(response={"metadata": {"x-sim": "fail_after=4"}})
    assert (await answer(session))[-1].response.status == "failed"


async def test_a_session_that_only_transcribes(sim: SimulatedProviders) -> None:
    url = f"ws://127.0.0.1:{sim.http_port}/v1/realtime?intent=transcription"
    async with websockets.connect(url) as socket:
        assert json.loads(await socket.recv())["session"]["type"] == "transcription"
        settings = {"type": "transcription", "audio": TRANSCRIPTION}
        for message in (
            {"type": "session.update", "session": settings},
            {"type": "input_audio_buffer.append", "audio": sound("Hello there")},
            {"type": "input_audio_buffer.append", "audio": SILENCE},
        ):
            await socket.send(json.dumps(message))
        types: list[str] = []
        while not types or not types[-1].endswith("transcription.completed"):
            types.append(json.loads(await socket.recv())["type"])
    assert "input_audio_buffer.committed" in types
    assert not [name for name in types if name.startswith("response.")]


async def turn(socket: websockets.ClientConnection, *messages: Any) -> list[Any]:
    """Send these messages; the events until the turn's last."""
    for message in messages:
        await socket.send(json.dumps(message))
    events = [json.loads(await socket.recv())]
    while events[-1]["type"] != "rate_limits.updated":
        events.append(json.loads(await socket.recv()))
    return events


@pytest.mark.parametrize("text", ["hi", "use the tool"])
async def test_every_event_is_one_that_openai_s_types_know(sim: SimulatedProviders, text: str) -> None:
    settings = {"tools": [TOOL], "audio": TRANSCRIPTION}
    async with websockets.connect(f"ws://127.0.0.1:{sim.http_port}/v1/realtime?model=gpt-realtime") as socket:
        events = await turn(
            socket,
            {"type": "session.update", "session": settings},
            {"type": "input_audio_buffer.append", "audio": sound(text)},
            {"type": "input_audio_buffer.append", "audio": SILENCE},
        )
    types: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    assert [types.validate_python(event).type for event in events] == [event["type"] for event in events]


async def test_the_beta_s_names_are_for_those_who_ask(sim: SimulatedProviders) -> None:
    url = f"ws://127.0.0.1:{sim.http_port}/openai/realtime?deployment=gpt-4o-realtime-preview"
    talk = Talk(OpenAIRealtime(), Target(host="acme.openai.azure.com", path="/openai/realtime", method="GET"))
    async with websockets.connect(url, additional_headers={"OpenAI-Beta": "realtime=v1"}) as socket:
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Repeat after me: hi"}]}
        for fields in ({"item": said}, {"response": {"modalities": ["text"]}}):
            kind = "conversation.item.create" if "item" in fields else "response.create"
            talk.say(kind, **fields)
            await socket.send(json.dumps({"type": kind, **fields}))
        types: list[str] = []
        while not types or types[-1] != "response.done":
            message = await socket.recv(decode=False)
            talk.take(message)
            types.append(json.loads(message)["type"])
    assert "response.text.delta" in types
    assert "conversation.item.created" in types
    assert "conversation.item.done" not in types
    assert [item.text for item in talk.answers[0].segments] == ["hi"]


async def test_our_reader_sees_what_the_client_sees(sim: SimulatedProviders) -> None:
    target = Target(host="api.openai.com", path="/v1/realtime", method="GET", query={"model": "gpt-realtime"})
    talk, ended = Talk(OpenAIRealtime(), target), 0
    async with websockets.connect(f"ws://127.0.0.1:{sim.http_port}/v1/realtime?model=gpt-realtime") as socket:
        for kind, fields in (
            ("session.update", {"session": {"type": "realtime", "audio": TRANSCRIPTION}}),
            ("input_audio_buffer.append", {"audio": sound("Repeat after me: one")}),
            ("input_audio_buffer.append", {"audio": SILENCE}),
        ):
            talk.say(kind, **fields)
            await socket.send(json.dumps({"type": kind, **fields}))
        while ended < 2:
            message = await socket.recv(decode=False)
            talk.take(message)
            ended += json.loads(message)["type"].endswith(("transcription.completed", "response.done"))
    heard, spoken = talk.answers[0], talk.answers[1]
    assert [item.text for item in heard.segments] == ["Repeat after me: one"]
    assert talk.requests[0].operation is Operation.TRANSCRIPTION
    assert [item.text for item in spoken.segments] == ["one"]
    assert (spoken.audio_bytes, spoken.finish_reason) == (320, FinishReason.STOP)
    assert spoken.usage is not None
    assert spoken.usage.output_audio_tokens == 1
    assert talk.requests[1].audio_bytes == len("Repeat after me: one") + 320


def test_sound_is_heard_and_counted() -> None:
    buffer = SpeechBuffer()
    assert [buffer.append(piece) for piece in (SILENCE, sound("Hi "), sound("you"), SILENCE)] == [
        "",
        "started",
        "",
        "stopped",
    ]
    assert transcript_of(buffer.take()) == "Hi you"
    assert transcript_of(b"\xff\xfe") == transcript_of(b"") == "Could you tell me the time?"
    assert [tokens_of(size) for size in (0, 1, 320, 321)] == [0, 1, 1, 2]

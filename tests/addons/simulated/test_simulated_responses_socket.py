"""The Responses API over WebSocket: OpenAI's own client against the simulated server, and our reader beside it."""

import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from midwatch.simulated import SimulatedProviders
from midwatch_core.model.content import FinishReason
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.target import Target
from tests.core.wire.socket_checks import Talk

TOOL: Any = {"type": "function", "name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}}}
ENDS = ("response.completed", "response.incomplete", "response.failed", "error")


@pytest.fixture
def trust(sim: SimulatedProviders) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(sim.ca_file))


@pytest.fixture
async def client(sim: SimulatedProviders) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"https://127.0.0.1:{sim.tls_port}/v1"
    async with openai.AsyncOpenAI(api_key="sk-x", base_url=url, max_retries=0) as made:
        yield made


def connect(client: openai.AsyncOpenAI, trust: ssl.SSLContext, script: str = "", **options: Any) -> Any:
    headers = {"x-sim": script} if script else {}
    made: Any = {"ssl": trust, **options}
    return client.responses.connect(extra_headers=headers, websocket_connection_options=made)


async def ask(connection: Any, **fields: Any) -> list[Any]:
    """The events of one answer."""
    await connection.response.create(model="gpt-4o-mini", **fields)
    return await answer(connection)


async def answer(connection: Any) -> list[Any]:
    events = []
    async for event in connection:
        events.append(event)
        if event.type in ENDS:
            break
    return events


def text_of(events: list[Any]) -> str:
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


async def test_many_responses_on_one_socket_go_on_from_each_other(
    client: openai.AsyncOpenAI, trust: ssl.SSLContext, sim: SimulatedProviders
) -> None:
    async with connect(client, trust) as connection:
        first = await ask(connection, input="repeat after me: Grüße, Zoë")
        done = first[-1].response
        again = await ask(connection, input="repeat after me: again", previous_response_id=done.id)
    assert (text_of(first), done.output_text) == ("Grüße, Zoë", "Grüße, Zoë")
    assert text_of(again) == "again"
    for usage in (done.usage, again[-1].response.usage):
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert again[-1].response.usage.input_tokens > done.usage.input_tokens
    assert again[-1].response.previous_response_id == done.id
    handshake, *messages = sim.received
    assert (handshake.method, handshake.path, handshake.header("authorization")) == (
        "GET",
        "/v1/responses",
        "Bearer sk-x",
    )
    assert [item.method for item in messages] == ["MESSAGE", "MESSAGE"]
    assert json.loads(messages[1].body)["previous_response_id"] == done.id
    assert all(item.progress.ended == "complete" for item in messages)


async def test_a_tool_is_called_and_its_result_is_read(client: openai.AsyncOpenAI, trust: ssl.SSLContext) -> None:
    async with connect(client, trust) as connection:
        asked = await ask(connection, input='use the tool with {"city": "Bath"}', tools=[TOOL])
        call = asked[-1].response.output[0]
        output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
        told = await ask(connection, input=[output], previous_response_id=asked[-1].response.id, tools=[TOOL])
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Bath"})
    assert told[-1].type == "response.completed"


async def test_a_tool_of_free_form_that_the_input_brings_is_called_with_text(
    client: openai.AsyncOpenAI, trust: ssl.SSLContext
) -> None:
    """As Codex offers its tools."""
    group: Any = {
        "type": "namespace",
        "name": "functions",
        "description": "",
        "tools": [TOOL, {"type": "custom", "name": "exec"}],
    }
    offered: Any = {"type": "additional_tools", "role": "developer", "tools": [group]}
    asked: Any = {"role": "user", "content": "use the tool exec with \"text('hi');\""}
    async with connect(client, trust) as connection:
        events = await ask(connection, input=[offered, asked])
    call = events[-1].response.output[0]
    assert (call.type, call.namespace, call.name, call.input) == (
        "custom_tool_call",
        "functions",
        "exec",
        "text('hi');",
    )
    pieces = [event.delta for event in events if event.type == "response.custom_tool_call_input.delta"]
    assert "".join(pieces) == call.input


async def test_a_warm_up_generates_nothing(client: openai.AsyncOpenAI, trust: ssl.SSLContext) -> None:
    async with connect(client, trust) as connection:
        warm = await ask(connection, instructions="Be brief.", generate=False)
        told = await ask(connection, input="repeat after me: hi", previous_response_id=warm[-1].response.id)
    assert (warm[-1].response.output, warm[-1].response.usage.output_tokens) == ([], 0)
    assert text_of(told) == "hi"


async def test_lanes_are_answered_side_by_side(client: openai.AsyncOpenAI, trust: ssl.SSLContext) -> None:
    async with connect(client, trust, "gap_ms=5") as connection:
        for lane in ("a", "b"):
            await connection.response.create(model="gpt-4o-mini", input="repeat after me: one two", stream_id=lane)
        events = [*await answer(connection), *await answer(connection)]
    begun = [event.stream_id for event in events if event.type == "response.created"]
    assert sorted(begun) == ["a", "b"]
    assert {event.stream_id for event in events[: len(events) // 2]} == {"a", "b"}
    assert all(text_of([event for event in events if event.stream_id == lane]) == "one two" for lane in ("a", "b"))


async def test_an_unknown_response_can_t_be_continued(client: openai.AsyncOpenAI, trust: ssl.SSLContext) -> None:
    async with connect(client, trust) as connection:
        (error,) = await ask(connection, input="Hi", previous_response_id="resp_gone")
        assert (error.status, error.error.code) == (400, "previous_response_not_found")
        assert text_of(await ask(connection, input="repeat after me: hi")) == "hi"


@pytest.mark.parametrize("script", ["status=429", "status=503"])
async def test_a_scripted_error_has_its_status(client: openai.AsyncOpenAI, trust: ssl.SSLContext, script: str) -> None:
    async with connect(client, trust, script) as connection:
        (error,) = await ask(connection, input="Hi")
    assert f"status={error.status}" == script
    assert error.error.message


async def test_a_call_s_metadata_may_bring_a_script(client: openai.AsyncOpenAI, trust: ssl.SSLContext) -> None:
    async with connect(client, trust) as connection:
        failed = await ask(connection, input="Hi", metadata={"x-sim": "fail_after=3"})
        odd = await ask(connection, input="Hi", metadata={"x-sim": "what=1"})
        good = await ask(connection, input="repeat after me: hi", metadata={"x-sim": "cached=2"})
    assert (failed[-1].type, failed[-1].response.error.code) == ("response.failed", "server_error")
    assert odd[-1].status == 400
    assert good[-1].response.usage.input_tokens_details.cached_tokens == 2


@pytest.mark.parametrize("script", ["die_after=4", "die_after=4,split=5"])
async def test_a_socket_closed_in_the_middle(
    client: openai.AsyncOpenAI, trust: ssl.SSLContext, sim: SimulatedProviders, script: str
) -> None:
    async with connect(client, trust, script) as connection:
        await connection.response.create(model="gpt-4o-mini", input="repeat after me: one two three four five")
        seen = [await connection.recv() for _ in range(4)]
        with pytest.raises(websockets.ConnectionClosedError):
            await connection.recv()
    assert seen[0].type == "response.created"
    assert (sim.received[-1].progress.events, sim.received[-1].progress.ended) == (4, "died")


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_messages_are_compressed_where_the_client_can(
    client: openai.AsyncOpenAI, trust: ssl.SSLContext, compression: str | None
) -> None:
    async with connect(client, trust, "split=7", compression=compression) as connection:
        agreed = [extension.name for extension in connection._connection.protocol.extensions]
        events = await ask(connection, input="repeat after me: " + "Grüße an alle. " * 50)
    assert agreed == (["permessage-deflate"] if compression else [])
    assert text_of(events).startswith("Grüße an alle. Grüße")


async def test_what_is_no_event_is_an_error_and_the_socket_goes_on(sim: SimulatedProviders) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{sim.http_port}/v1/responses") as socket:
        for message in ("no json", '{"type":"response.dance"}'):
            await socket.send(message)
            assert json.loads(await socket.recv())["status"] == 400
        await socket.send('{"type":"response.processed","response_id":"r"}')
        pong = await socket.ping()
        await pong
        await socket.send(b"binary")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


async def test_where_no_provider_is_messages_come_back(sim: SimulatedProviders) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{sim.http_port}/chat", subprotocols=["talk"]) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "talk"
        for message in ("Grüße", b"\0\1", "x" * 200_000):
            await socket.send(message)
            assert await socket.recv() == message


async def test_a_script_that_can_t_be_read_refuses_the_handshake(sim: SimulatedProviders) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(f"ws://127.0.0.1:{sim.http_port}/v1/responses", additional_headers={"x-sim": "what=1"})
    assert refused.value.response.status_code == 400


async def observe(talk: Talk, socket: ClientConnection, **fields: Any) -> None:
    """One call, with the reader on the wire."""
    talk.say("response.create", **fields)
    await socket.send(json.dumps({"type": "response.create", **fields}))
    while True:
        message = await socket.recv(decode=False)
        talk.take(message)
        if json.loads(message)["type"] in ENDS:
            return


async def test_our_reader_sees_what_the_client_sees(sim: SimulatedProviders) -> None:
    talk = Talk(OpenAIResponses(), Target(host="api.openai.com", path="/v1/responses", method="GET"))
    model, tools = "gpt-5-mini", [TOOL]
    async with websockets.connect(f"ws://127.0.0.1:{sim.http_port}/v1/responses") as socket:
        await observe(talk, socket, model=model, input="repeat after me: one")
        await observe(talk, socket, model=model, input="use the tool", tools=tools, reasoning={"summary": "auto"})
        await observe(talk, socket, model=model, input="Hi", previous_response_id="resp_gone")
        await observe(talk, socket, model=model, input="Hi", metadata={"x-sim": "tokens=5"}, max_output_tokens=2)
    assert [talk.answers[number].finish_reason for number in range(4)] == [
        FinishReason.STOP,
        FinishReason.TOOL_CALLS,
        FinishReason.ERROR,
        FinishReason.STOP,
    ]
    assert [item.text for item in talk.answers[0].segments] == ["one"]
    assert talk.answers[1].tool_calls[0].name == "get_weather"
    assert all(answer.decode_error is None for answer in talk.answers.values())
    usage = talk.answers[3].usage
    assert usage is not None
    assert (usage.output_tokens or 0) - (usage.reasoning_tokens or 0) == 5

"""Redact and restore through the front door: the provider never sees a value, the client's answer has it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

MAIL = "maria.keller@example-clinic.org"
CARD = "4111 1111 1111 1111"
_WORDS = "q7Zt4Kx9Wm2Rb5Vn8Jc3Hd6Pf1Lg0SyAuEoIi7Tq4Xk9Zw2Mr5Bv8Nj3Ch6Df1Pg0LyUaOeIx"
KEY = f"sk-proj-{_WORDS[:74]}T3BlbkFJ{_WORDS[::-1][:74]}"  # of the right form, and nobody's
SAYING = f"Write to {MAIL}, charge {CARD} and use {KEY} for it."
ARGUMENTS = {"to": MAIL, "card": CARD, "note": f'say "{KEY}"'}
TOOL = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}


@pytest.fixture(scope="module")
def guarded(house_in: Any, world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with house_in(tmp_path_factory.mktemp("guarded"), "--policy", "balanced") as running:
        yield running


@pytest.fixture(scope="module")
def openai_client(guarded: Any) -> Iterator[Any]:
    web = openai.DefaultHttpxClient(proxy=guarded.proxy, verify=guarded.trust(), timeout=60)
    with openai.OpenAI(api_key="sk-e2e", http_client=web, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic_client(guarded: Any) -> Iterator[Any]:
    web = anthropic.DefaultHttpxClient(proxy=guarded.proxy, verify=guarded.trust(), timeout=60)
    with anthropic.Anthropic(api_key="sk-ant-e2e", http_client=web, max_retries=0) as client:
        yield client


def unseen(world: Any) -> str:
    """The last body that a provider received; no value may be in it."""
    body = world.providers.ledger.items[-1].body.decode()
    for value in (MAIL, CARD, KEY):
        assert value not in body
        assert json.dumps(value)[1:-1] not in body
    assert "<EMAIL_" in body
    assert "<CARD_" in body
    return str(body)


def kept(house: Any, way: Any) -> dict[str, Any]:
    """The record: masked, and saying what was done."""
    whole = house.whole(way.id)
    text = json.dumps(whole)
    for value in (MAIL, CARD, KEY):
        assert value not in text
    assert house.row(way.id)["action"] == "redact"
    return dict(whole)


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_chat(guarded: Any, openai_client: Any, world: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    answer = openai_client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": f"Repeat after me: {SAYING}"}],
        stream=streamed,
        extra_headers=way.header,
    )
    if streamed:
        said = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    else:
        said = answer.choices[0].message.content
    assert said == SAYING
    unseen(world)
    kept(guarded, way)


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_tools(guarded: Any, openai_client: Any, world: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    answer = openai_client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": f"use the tool with {json.dumps(ARGUMENTS)}"}],
        tools=[{"type": "function", "function": {"name": "pay", "parameters": TOOL}}],
        stream=streamed,
        extra_headers=way.header,
    )
    if streamed:
        deltas = [chunk.choices[0].delta for chunk in answer if chunk.choices]
        calls = [call for delta in deltas for call in delta.tool_calls or ()]
        arguments = "".join(call.function.arguments or "" for call in calls)
    else:
        arguments = answer.choices[0].message.tool_calls[0].function.arguments
    assert json.loads(arguments) == ARGUMENTS
    unseen(world)
    kept(guarded, way)


@pytest.mark.parametrize("streamed", [False, True])
def test_openai_responses(guarded: Any, openai_client: Any, world: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    answer = openai_client.responses.create(
        model="gpt-4o-mini", input=f"Repeat after me: {SAYING}", stream=streamed, extra_headers=way.header
    )
    if streamed:
        events = list(answer)
        said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert events[-1].response.output_text == SAYING
    else:
        said = answer.output_text
    assert said == SAYING
    unseen(world)
    kept(guarded, way)


@pytest.mark.parametrize("streamed", [False, True])
def test_anthropic_messages(guarded: Any, anthropic_client: Any, world: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    asked: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": [{"type": "text", "text": f"Repeat after me: {SAYING}"}]}],
        "extra_headers": way.header,
    }
    if streamed:
        with anthropic_client.messages.stream(**asked) as stream:
            said = stream.get_final_text()
    else:
        said = anthropic_client.messages.create(**asked).content[0].text
    assert said == SAYING
    unseen(world)
    kept(guarded, way)


@pytest.mark.parametrize("streamed", [False, True])
def test_anthropic_tools(guarded: Any, anthropic_client: Any, world: Any, trail: Any, streamed: bool) -> None:
    way = trail()
    asked: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": f"use the tool with {json.dumps(ARGUMENTS)}"}],
        "tools": [{"name": "pay", "input_schema": TOOL}],
        "extra_headers": way.header,
    }
    if streamed:
        with anthropic_client.messages.stream(**asked) as stream:
            message = stream.get_final_message()
    else:
        message = anthropic_client.messages.create(**asked)
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert call.input == ARGUMENTS
    unseen(world)
    kept(guarded, way)


def test_the_same_value_has_the_same_name_each_turn(openai_client: Any, world: Any) -> None:
    def ask(client: openai.OpenAI, *messages: str) -> str:
        roles = ("user", "assistant")
        said: Any = [{"role": roles[at % 2], "content": text} for at, text in enumerate(messages)]
        client.chat.completions.create(model="gpt-4o-mini", messages=said)
        return unseen(world)

    first = ask(openai_client, SAYING)
    second = ask(openai_client, SAYING, f"I wrote to {MAIL}.", "Thanks")
    name = first[first.index("<EMAIL_") :].split(">")[0]
    assert second.count(name) == 2

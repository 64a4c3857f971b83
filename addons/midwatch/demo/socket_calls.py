"""Calls over WebSocket by OpenAI's client: the Responses API, where one socket carries many, and Realtime in text."""

from collections.abc import Iterator
from typing import Any

import openai

from midwatch.demo.step import KEY, QUESTION, Headers, Step


def socket_steps() -> Iterator[Step]:
    """A conversation of two turns, and a session with one answer."""
    client: Any = openai.OpenAI(api_key=KEY, max_retries=0)

    def responses(headers: Headers) -> object:
        with client.responses.connect(extra_headers=headers) as connection:
            connection.response.create(model="gpt-5-mini", input=QUESTION, instructions="You are brief.")
            first = _until(connection, "response.completed").response
            connection.response.create(model="gpt-5-mini", input="And at noon?", previous_response_id=first.id)
            return [first, _until(connection, "response.completed").response]

    def realtime(headers: Headers) -> object:
        with client.realtime.connect(model="gpt-realtime", extra_headers=headers) as connection:
            connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            content = [{"type": "input_text", "text": QUESTION}]
            connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
            connection.response.create()
            return _until(connection, "response.done").response

    yield Step("openai responses over websocket", True, responses)
    yield Step("openai realtime", True, realtime)


def _until(connection: Any, last: str) -> Any:
    """The event that ends an answer. Raises RuntimeError for an error, or a socket that closed before."""
    for event in connection:
        if event.type == last:
            return event
        if event.type == "error":
            raise RuntimeError(f"the provider answered {event.error.message!r}")
    raise RuntimeError(f"the socket closed before {last}")

"""The demo's calls to Cohere's own API, by HTTP alone: version 2 of its chat, whole and streamed."""

import json
from collections.abc import Iterator

import httpx

from midwatch.demo.step import KEY, QUESTION, Headers, Step

_URL = "https://api.cohere.com/v2/chat"


def cohere_steps() -> Iterator[Step]:
    """One call in one piece, and one streamed, with a document to answer from."""
    client = httpx.Client(timeout=30, headers={"authorization": f"Bearer {KEY}"})
    body = {"model": "command-r7b-12-2024", "messages": [{"role": "user", "content": QUESTION}]}
    documents = [{"id": "log", "data": {"text": "The middle watch walks round the deck, so that it stays awake."}}]

    def whole(headers: Headers) -> object:
        return client.post(_URL, json=body, headers=headers).raise_for_status().json()

    def streamed(headers: Headers) -> object:
        asked = {**body, "documents": documents, "stream": True}
        with client.stream("POST", _URL, json=asked, headers=headers) as response:
            lines = [line for line in response.raise_for_status().iter_lines() if line.startswith("data: {")]
        return [json.loads(line.removeprefix("data: ")) for line in lines]

    yield Step("cohere chat", False, whole)
    yield Step("cohere chat with a document", True, streamed)

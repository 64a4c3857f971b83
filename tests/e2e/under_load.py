"""A house under load: clients that call without pause, and streams that a test holds in the middle."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai

CHAT = "https://api.openai.com/v1/chat/completions"
BODY: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who goes there?"}]}
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word%d "}}]}\n\n'
LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
STREAM = b"".join(EVENT % number for number in range(6)) + LAST


@dataclass
class Held:
    """Streams of the origin that stop in the middle until a test lets them go on."""

    path: str
    let_go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, asked: Any) -> None:
        asked.begin_stream()
        for number in range(3):
            asked.chunk(EVENT % number)
        self.let_go.wait(60)
        for number in range(3, 6):
            asked.chunk(EVENT % number)
        asked.chunk(LAST)
        asked.end_stream()


@contextmanager
def held_streams(world: Any, name: str) -> Iterator[Held]:
    """Streams of the origin, at a path of their own, for as long as a `with` lasts."""
    made = Held(f"/{name}/v1/chat/completions")
    world.origin.routes[made.path] = made
    try:
        yield made
    finally:
        made.let_go.set()
        del world.origin.routes[made.path]


class Stream:
    """A client in the middle of a held stream, in a thread of its own; `port` is its end of the connection."""

    def __init__(self, house: Any, held: Held, **header: str) -> None:
        self.got = b""
        self.error: Exception | None = None
        self._ports: queue.Queue[int] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(house, held, header), daemon=True)
        self._thread.start()
        self.port = self._ports.get(timeout=60)

    def _read(self, house: Any, held: Held, header: dict[str, str]) -> None:
        url = f"https://llm.acme.example{held.path}"
        try:
            with (
                house.client() as web,
                web.stream("POST", url, json={**BODY, "stream": True}, headers=header) as answer,
            ):
                for piece in answer.iter_raw():
                    self.got += piece
                    self._ports.put(answer.extensions["network_stream"].get_extra_info("client_addr")[1])
        except httpx.HTTPError as error:
            self.error = error

    def ended(self) -> Stream:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self


@dataclass
class Load:
    """Clients that call without pause, each in its own way; retries are off, so that each failure shows."""

    house: Any
    ended: threading.Event = field(default_factory=threading.Event)
    whole: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Load]:
        ways = (self.kept, self.kept_http2, self.new, self.library, self.library_streams, self.seldom)
        threads = [threading.Thread(target=self._loop, args=(way,), daemon=True) for way in ways]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            for thread in threads:
                thread.join(60)
        assert not any(thread.is_alive() for thread in threads)

    def _loop(self, way: Callable[[], Iterator[None]]) -> None:
        while not self.ended.is_set():
            try:
                for _ in way():
                    self.whole[way.__name__] += 1
                    if self.ended.wait(0.03):
                        return
            except (httpx.HTTPError, openai.OpenAIError) as error:
                self.failed.append(f"{way.__name__}: {error!r} from {error.__cause__!r}")

    def kept(self, **options: Any) -> Iterator[None]:
        with self.house.client(**options) as web:
            while True:
                web.post(CHAT, json=BODY).raise_for_status().json()
                yield

    def kept_http2(self) -> Iterator[None]:
        yield from self.kept(http2=True)

    def new(self) -> Iterator[None]:
        with self.house.client() as web:
            web.post(CHAT, json=BODY).raise_for_status().json()
        yield

    def seldom(self) -> Iterator[None]:
        for _ in self.kept():
            yield
            self.ended.wait(1.0)

    def library(self) -> Iterator[None]:
        with openai.OpenAI(api_key="sk-x", http_client=self.house.client(), max_retries=0) as client:
            while True:
                assert client.chat.completions.create(**BODY).choices[0].message.content
                yield

    def library_streams(self) -> Iterator[None]:
        with openai.OpenAI(api_key="sk-x", http_client=self.house.client(), max_retries=0) as client:
            while True:
                *_, last = client.chat.completions.create(**BODY, stream=True)
                assert last.choices[0].finish_reason == "stop"
                yield

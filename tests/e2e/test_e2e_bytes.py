"""Do no harm: bodies arrive byte for byte, and what a provider has sent is never held back."""

from __future__ import annotations

import gzip
import threading
import uuid
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import httpx
import pytest
import zstandard

CHAT = "/v1/chat/completions"
# Valid JSON that no serialiser would write like this: spaces, a key twice, escapes that need not be, a number's form.
ODD = (
    b'{ "model" :\t"gpt-4o-mini",\r\n\n"stream":false , "temperature": 1.0e0, "user":"a","user":"b",'
    b'"messages":[ {"content":"caf\\u00e9 \\ud83c\\udf19 \xf0\x9f\x8c\x99 \\/","role" : "user"}]  }\n'
)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "deflate": zlib.compress,
}
ANSWER = b'{ "id":"x", "choices":[{"index":0,"message":{"content":"ok \\u00e9"}, "finish_reason":"stop"}]}  '
EVENTS = (
    b"\xef\xbb\xbf: a comment behind a byte order mark\r\n\r\n"
    b'data: {"choices":[{"index":0,"delta":{"content":"caf\xc3\xa9"}}]}\r\n\r\n'
    b": keep-alive\n\n"
    b'data: {"choices":[{"index":0,\ndata: "delta":{"content":" au lait"}}]}\rid: 7\r\r'
    b'data:{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


@pytest.fixture
def route(world: Any) -> Iterator[Callable[[Callable[[Any], None]], str]]:
    """Gives the origin something to do under a path of its own; the call's URL."""
    added = []

    def add(behave: Callable[[Any], None]) -> str:
        path = f"/{uuid.uuid4().hex}{CHAT}"
        added.append(path)
        world.origin.routes[path] = behave
        return f"https://llm.acme.example{path}"

    yield add
    for path in added:
        del world.origin.routes[path]


def received(world: Any, id: str) -> Any:
    (item,) = (item for item in world.providers.received if item.id == id)
    return item


@pytest.mark.parametrize("http2", [False, True])
@pytest.mark.parametrize("encoding", ["", *PACKED])
def test_a_request_arrives_as_it_was_sent(house: Any, world: Any, trail: Any, http2: bool, encoding: str) -> None:
    way = trail()
    body = PACKED[encoding](ODD) if encoding else ODD
    headers = {**way.header, "content-type": "application/json", "x-sim-id": way.id}
    with house.client(http2=http2) as web:
        if encoding:
            headers["content-encoding"] = encoding
        answer = web.post(f"https://api.openai.com{CHAT}", content=body, headers=headers)
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert answer.status_code == 200
    item = received(world, way.id)
    assert item.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert item.body == body
    texts = [segment["text"] for segment in house.whole(way.id)["request"]["segments"]]
    assert texts == ["café 🌙 🌙 /"]


@pytest.mark.parametrize("http2", [False, True])
def test_a_request_in_pieces_of_unknown_length(house: Any, world: Any, trail: Any, http2: bool) -> None:
    way = trail()
    headers = {**way.header, "content-type": "application/json", "x-sim-id": way.id}
    with house.client(http2=http2) as web:
        pieces = (ODD[at : at + 7] for at in range(0, len(ODD), 7))
        assert web.post(f"https://api.openai.com{CHAT}", content=pieces, headers=headers).status_code == 200
    assert received(world, way.id).body == ODD
    assert house.row(way.id)["model"] == "gpt-4o-mini"


def test_head_and_body_are_those_of_a_direct_connection(house: Any, world: Any, route: Any) -> None:
    heads = []

    def behave(asked: Any) -> None:
        heads.append((asked.head.split(b"\r\n", 1), asked.body))
        asked.answer(ANSWER, "X-Odd-Case: Yes", "content-type: application/json")

    url = route(behave)
    headers = {"X-Stainless-Lang": "python", "host": "llm.acme.example", "authorization": "Bearer x"}
    answers = []
    with world.direct() as direct, house.client() as proxied:
        for web, target in ((direct, httpx.URL(url).path), (proxied, url)):
            answers.append(web.post(target, content=ODD, headers=headers))
    assert heads[0] == heads[1]
    assert answers[0].headers.raw == answers[1].headers.raw
    assert answers[0].content == answers[1].content == ANSWER


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("encoding", ["", *PACKED])
def test_an_answer_arrives_as_it_was_sent(house: Any, route: Any, trail: Any, framing: str, encoding: str) -> None:
    body = PACKED[encoding](ANSWER) if encoding else ANSWER

    def behave(asked: Any) -> None:
        fields = ["content-type: application/json", *([f"content-encoding: {encoding}"] if encoding else [])]
        if framing == "length":
            asked.answer(body, *fields)
            return
        more = "transfer-encoding: chunked" if framing == "chunked" else "connection: close"
        asked.send("\r\n".join(["HTTP/1.1 200 OK", *fields, more, "", ""]).encode())
        for at in range(0, len(body), 11):
            piece = body[at : at + 11]
            asked.chunk(piece) if framing == "chunked" else asked.send(piece)
        asked.send(b"0\r\nx-checksum: 7\r\n\r\n") if framing == "chunked" else asked.reset()

    way = trail()
    with house.client() as web, web.stream("POST", route(behave), content=ODD, headers=way.header) as answer:
        assert b"".join(answer.iter_raw()) == body
    kept = house.whole(way.id)
    assert [segment["text"] for segment in kept["response"]["segments"]] == ["ok é"]
    assert kept["error"] is None


@pytest.mark.parametrize("encoding", ["", *PACKED])
@pytest.mark.parametrize("named", [True, False])
def test_a_stream_arrives_as_it_was_sent(house: Any, route: Any, trail: Any, encoding: str, named: bool) -> None:
    body = PACKED[encoding](EVENTS) if encoding else EVENTS

    def behave(asked: Any) -> None:
        fields = [
            *(["content-type: text/event-stream"] if named else []),
            *([f"content-encoding: {encoding}"] if encoding else []),
        ]
        asked.send("\r\n".join(["HTTP/1.1 200 OK", *fields, "transfer-encoding: chunked", "", ""]).encode())
        for at in range(0, len(body), 13):
            asked.chunk(body[at : at + 13])
        asked.end_stream()

    way = trail()
    request = {"model": "acme-1", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with house.client() as web, web.stream("POST", route(behave), json=request, headers=way.header) as answer:
        assert b"".join(answer.iter_raw()) == body
    kept = house.whole(way.id)
    assert [segment["text"] for segment in kept["response"]["segments"]] == ["café au lait"]
    row = house.row(way.id)
    assert (row["streamed"], row["finish_reason"], row["error"]) == (True, "stop", None)


@pytest.mark.parametrize("encoding", ["", *PACKED])
@pytest.mark.parametrize("status", [200, 429])
def test_an_answer_over_http2_is_that_of_a_direct_connection(
    house: Any, world: Any, trail: Any, encoding: str, status: int
) -> None:
    way = trail()
    script = f"encoding={encoding},{'echo=1' if status == 200 else f'status={status}'}"
    headers = {**way.header, "x-sim": script, "x-sim-id": way.id, "host": "api.groq.com"}
    direct = {"base_url": f"https://localhost:{world.providers.tls_port}", "trust_env": False, "verify": _trust(world)}
    bodies = []
    for options in ({"http2": True, **direct}, {"http2": True, "base_url": "https://api.groq.com"}):
        web = httpx.Client(**options) if "verify" in options else house.client(**options)
        with web, web.stream("POST", f"/openai{CHAT}", content=ODD, headers=headers) as answer:
            assert (answer.http_version, answer.status_code) == ("HTTP/2", status)
            bodies.append(b"".join(answer.iter_raw()))
    assert bodies[0] == bodies[1]
    one, two = (item for item in world.providers.received if item.id == way.id)
    assert (one.sha256, one.http_version) == (two.sha256, two.http_version)


def _trust(world: Any) -> Any:
    import ssl

    return ssl.create_default_context(cafile=str(world.ca_file))


FIRST = b'data: {"choices":[{"index":0,"delta":{"content":"first"}}]}\n\n'
REST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
HALF = FIRST[:20]
GATES = {
    "an event": (b"text/event-stream", "", FIRST, REST),
    "half an event": (b"text/event-stream", "", HALF, FIRST[20:] + REST),
    "a stream that is not named": (b"", "", FIRST, REST),
    "half a JSON answer": (b"application/json", "", ANSWER[:30], ANSWER[30:]),
    "a line": (b"application/x-ndjson", "", b'{"message":{"content":"first"}}\n', b'{"done":true}\n'),
}


@pytest.mark.parametrize("what", GATES)
def test_nothing_is_held_back(house: Any, route: Any, trail: Any, what: str) -> None:
    """The origin goes on only when the client has what was sent so far: held bytes would be a deadlock."""
    kind, _, first, rest = GATES[what]
    arrived, went_on = threading.Event(), []

    def behave(asked: Any) -> None:
        named = b"content-type: " + kind + b"\r\n" if kind else b""
        asked.send(b"HTTP/1.1 200 OK\r\n" + named + b"transfer-encoding: chunked\r\n\r\n")
        asked.chunk(first)
        went_on.append(arrived.wait(60))
        asked.chunk(rest)
        asked.end_stream()

    way = trail()
    request = {"model": "acme-1", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    with house.client() as web, web.stream("POST", route(behave), json=request, headers=way.header) as answer:
        pieces, got = answer.iter_raw(), b""
        while len(got) < len(first):
            got += next(pieces)
        assert got == first
        arrived.set()
        got += b"".join(pieces)
    assert went_on == [True]
    assert got == first + rest
    assert house.row(way.id)["status"] == 200


@pytest.mark.parametrize("http2", [False, True])
def test_a_provider_that_takes_its_time_is_heard_at_once(house: Any, world: Any, trail: Any, http2: bool) -> None:
    """With the first event in hand, the provider has not yet sent its last."""
    way = trail()
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    headers = {**way.header, "x-sim": "tokens=3000,gap_ms=10", "x-sim-id": way.id}
    url = f"https://api.openai.com{CHAT}"
    with house.client(http2=http2) as web, web.stream("POST", url, json=body, headers=headers) as answer:
        pieces = answer.iter_raw()  # with its last reference the connection would go
        assert b"data: " in next(pieces)
        assert received(world, way.id).progress.ended == ""

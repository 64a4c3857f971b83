import asyncio
import gzip
import hashlib
import json
import zlib
from typing import Any

import brotli
import httpx
import pytest
import zstandard

from midwatch.simulated import Script, SimulatedProviders

CHAT = "/v1/chat/completions"


def body(**more: Any) -> Any:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Tell me about tides"}]} | more


def unpack(data: bytes, encoding: str) -> bytes:
    if encoding == "br":
        return bytes(brotli.decompress(data))
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return zlib.decompress(data, 47)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("stream", [False, True])
async def test_compressed_answers_decode_to_the_plain_ones(web: httpx.AsyncClient, encoding: str, stream: bool) -> None:
    sent = body(stream=stream)
    plain = await web.post(CHAT, json=sent, headers={"x-sim": "tokens=50"})
    async with web.stream("POST", CHAT, json=sent, headers={"x-sim": f"tokens=50,encoding={encoding}"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == encoding
    assert len(unpack(raw, encoding)) == len(plain.content)


async def test_each_piece_of_a_compressed_stream_is_decodable_on_arrival(web: httpx.AsyncClient) -> None:
    decoder = zlib.decompressobj(31)
    headers = {"x-sim": "tokens=3,gap_ms=20,encoding=gzip"}
    async with web.stream("POST", CHAT, json=body(stream=True), headers=headers) as answer:
        texts = [decoder.decompress(part) async for part in answer.aiter_raw()]
    assert sum(text.endswith(b"\n\n") for text in texts) >= 6


@pytest.mark.parametrize("script", ["split=7", "events_per_write=50", "gap_ms=1", "delay_ms=1", "framing=length"])
@pytest.mark.parametrize("stream", [False, True])
async def test_pace_and_cuts_change_no_byte(web: httpx.AsyncClient, script: str, stream: bool) -> None:
    plain = await web.post(CHAT, json=body(stream=stream), headers={"x-sim": "tokens=9"})
    other = await web.post(CHAT, json=body(stream=stream), headers={"x-sim": f"tokens=9,{script}"})
    assert len(other.content) == len(plain.content)
    assert other.text.count("data: ") == plain.text.count("data: ")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_framings(web: httpx.AsyncClient, framing: str, stream: bool) -> None:
    answer = await web.post(CHAT, json=body(stream=stream), headers={"x-sim": f"framing={framing}"})
    assert ("content-length" in answer.headers) == (framing == "length")
    assert ("transfer-encoding" in answer.headers) == (framing == "chunked")
    assert answer.headers["connection"] == ("close" if framing == "close" else "keep-alive")
    assert answer.text.rstrip().endswith("[DONE]" if stream else "}")


async def read_until_death(web: httpx.AsyncClient, events: int) -> bytes:
    """What arrived before the connection broke, which it must."""
    seen = b""
    headers = {"x-sim": f"die_after={events}"}
    try:
        async with web.stream("POST", CHAT, json=body(stream=True), headers=headers) as answer:
            async for part in answer.aiter_raw():
                seen += part
    except (httpx.RemoteProtocolError, httpx.ReadError):
        return seen
    raise AssertionError("the stream ended properly")


@pytest.mark.parametrize("events", [0, 1, 5])
@pytest.mark.parametrize("http2", [False, True])
async def test_death_in_a_stream_after_exactly_so_many_events(
    sim: SimulatedProviders, web: httpx.AsyncClient, web2: httpx.AsyncClient, http2: bool, events: int
) -> None:
    seen = await read_until_death(web2 if http2 else web, events)
    assert seen.count(b"data: ") == events
    assert sim.received[-1].progress.ended == "died"
    assert sim.received[-1].progress.events == events


async def test_death_in_a_plain_answer(web: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await web.post(CHAT, json=body(), headers={"x-sim": "die_after=1"})


async def test_a_client_that_leaves_is_noticed(sim: SimulatedProviders, web: httpx.AsyncClient) -> None:
    headers = {"x-sim": "tokens=1000,gap_ms=5"}
    async with web.stream("POST", CHAT, json=body(stream=True), headers=headers) as answer:
        async for _ in answer.aiter_raw():
            break
    async with asyncio.timeout(60):
        while not sim.received[-1].progress.ended:
            await asyncio.sleep(0.01)
    assert sim.received[-1].progress.ended == "left"
    assert sim.received[-1].progress.events < 1000


async def test_echo_and_record_show_the_bytes_that_arrived(sim: SimulatedProviders, web: httpx.AsyncClient) -> None:
    sent = gzip.compress(json.dumps(body()).encode())
    headers = {"x-sim": "echo=1", "x-sim-id": "one", "content-encoding": "gzip"}
    answer = (await web.post(f"{CHAT}?a=1", content=sent, headers=headers)).json()
    assert answer["sha256"] == hashlib.sha256(sent).hexdigest()
    received = sim.received[-1]
    assert (received.body, received.sha256, received.length) == (sent, answer["sha256"], len(sent))
    assert (received.method, received.target, received.path) == ("POST", f"{CHAT}?a=1", CHAT)
    assert sim.counts["one"] == 1


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
async def test_a_compressed_request_is_read(web: httpx.AsyncClient, encoding: str) -> None:
    plain = json.dumps(body()).encode()
    packed = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.ZstdCompressor().compress}[encoding](
        plain
    )
    answer = await web.post(CHAT, content=packed, headers={"content-encoding": encoding})
    assert "tides" in answer.text


async def test_a_body_in_chunks_is_read(sim: SimulatedProviders, web: httpx.AsyncClient) -> None:
    data = json.dumps(body()).encode()

    async def parts() -> Any:
        for start in range(0, len(data), 10):
            yield data[start : start + 10]

    assert (await web.post(CHAT, content=parts())).status_code == 200
    assert sim.received[-1].body == data


async def test_no_content_type(web: httpx.AsyncClient) -> None:
    answer = await web.post(CHAT, json=body(stream=True), headers={"x-sim": "no_content_type=1"})
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    ("path", "where"),
    [(CHAT, "error"), ("/v1/messages", "error"), ("/v1beta/models/m:generateContent", "error"), ("/api/chat", "error")],
)
async def test_a_body_that_is_no_json_is_the_providers_400(web: httpx.AsyncClient, path: str, where: str) -> None:
    answer = await web.post(path, content=b"{")
    assert answer.status_code == 400
    assert "not JSON" in json.dumps(answer.json()[where])


async def test_wrong_script_is_told(web: httpx.AsyncClient) -> None:
    answer = await web.post(CHAT, json=body(), headers={"x-sim": "tokens=many"})
    assert answer.status_code == 400
    assert answer.json() == {"error": "x-sim: tokens='many' is not a number"}


async def test_what_is_no_llm_call(web: httpx.AsyncClient) -> None:
    page = await web.get("/pricing", headers={"host": "example.test"})
    assert page.headers["content-type"].startswith("text/plain")
    assert "example.test" in page.text
    assert (await web.post("/v1/vector_stores", json={})).status_code == 404
    assert (await web.get("/v1/models")).json()["object"] == "list"
    assert (await web.head("/pricing")).content == b""


async def test_expect_continue_and_pipelining(sim: SimulatedProviders) -> None:
    data = json.dumps(body()).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {len(data)}\r\n\r\n".encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.http_port)
    writer.write(head)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(data + b"GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    rest = await reader.read(-1)
    writer.close()
    assert rest.count(b"HTTP/1.1 200 OK") == 3
    assert [item.target for item in sim.received] == [CHAT, "/a", "/b"]


async def test_bad_bytes_are_refused(sim: SimulatedProviders) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.http_port)
    writer.write(b"\x16\x03\x01 not http\r\n\r\n")
    assert (await reader.read(-1)).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_a_slow_reader_holds_the_stream_back(sim: SimulatedProviders, web: httpx.AsyncClient) -> None:
    headers = {"x-sim": "tokens=200000,events_per_write=50"}
    async with web.stream("POST", CHAT, json=body(stream=True), headers=headers) as answer:
        chunks = answer.aiter_raw()
        await anext(chunks)
        await asyncio.sleep(0.3)
        assert sim.received[-1].progress.ended == ""
        assert sim.received[-1].progress.events < 200_000


async def test_constructor_script_and_counting_mode(tmp_path: Any) -> None:
    sim = SimulatedProviders(folder=tmp_path, script=Script(answer="fixed words", tokens=4), record=False)
    async with sim, httpx.AsyncClient(base_url=f"http://127.0.0.1:{sim.http_port}", timeout=60) as web:
        done = (await web.post(CHAT, json=body(), headers={"x-sim-id": "a"})).json()
    assert done["choices"][0]["message"]["content"].startswith("fixed words It")
    assert done["usage"]["completion_tokens"] == 4
    assert (sim.received, sim.counts["a"], sim.ledger.total) == ([], 1, 1)

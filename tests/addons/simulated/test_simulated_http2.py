import asyncio
import hashlib
import json
import os
import ssl
from typing import Any

import h2.connection
import h2.events
import httpx
import pytest

from midwatch.simulated import SimulatedProviders

CHAT = "/v1/chat/completions"


def body(**more: Any) -> Any:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Tell me about tides"}]} | more


async def test_whole_and_streamed(sim: SimulatedProviders, web2: httpx.AsyncClient) -> None:
    whole = await web2.post(CHAT, json=body())
    stream = await web2.post(CHAT, json=body(stream=True))
    assert (whole.http_version, whole.status_code) == ("HTTP/2", 200)
    assert stream.text.endswith("data: [DONE]\n\n")
    assert sim.received[-1].http_version == "HTTP/2"
    assert sim.received[-1].progress.ended == "complete"


async def test_large_bodies_both_ways_pass_flow_control(web2: httpx.AsyncClient) -> None:
    sent = os.urandom(3_000_000)
    echo = (await web2.post(CHAT, content=sent, headers={"x-sim": "echo=1"})).json()
    assert (echo["length"], echo["sha256"]) == (len(sent), hashlib.sha256(sent).hexdigest())
    answer = await web2.post(CHAT, json=body(stream=True), headers={"x-sim": "tokens=20000"})
    assert answer.text.count("data: ") == 20_003


async def test_many_streams_at_once(web2: httpx.AsyncClient) -> None:
    headers = {"x-sim": "tokens=20,gap_ms=1,encoding=gzip"}
    answers = await asyncio.gather(*(web2.post(CHAT, json=body(stream=True), headers=headers) for _ in range(30)))
    assert {answer.text.count("data: ") for answer in answers} == {23}


async def test_a_reset_stream_is_noticed_and_the_connection_lives(sim: SimulatedProviders) -> None:
    """With h2 itself: httpx does not reset a stream that it leaves."""
    context = ssl.create_default_context(cafile=str(sim.ca_file))
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.tls_port, ssl=context)
    engine = h2.connection.H2Connection()
    engine.initiate_connection()
    fields = [(":method", "POST"), (":scheme", "https"), (":authority", "api.openai.com"), (":path", CHAT)]
    for stream, script in ((1, "tokens=1000,gap_ms=5"), (3, "tokens=2")):
        engine.send_headers(stream, [*fields, ("x-sim", script)])
        engine.send_data(stream, json.dumps(body(stream=True)).encode(), end_stream=True)
        if stream == 1:
            engine.reset_stream(1)
    writer.write(engine.data_to_send())
    ended = False
    while not ended and (data := await reader.read(65536)):
        ended = any(isinstance(e, h2.events.StreamEnded) and e.stream_id == 3 for e in engine.receive_data(data))
    writer.close()
    assert ended
    assert [item.progress.ended for item in sim.received] == ["left", "complete"]


@pytest.mark.parametrize("status", [400, 429, 500])
async def test_errors(web2: httpx.AsyncClient, status: int) -> None:
    answer = await web2.post("/v1/messages", json=body(), headers={"x-sim": f"status={status}"})
    assert answer.status_code == status
    assert json.loads(answer.text)["type"] == "error"

"""Which traffic is read, which is relayed, and which is none of our business."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any

import httpx
import pytest

from tests.ports import free_port

CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who goes there?"}]}


def issuer_behind(house: Any, host: str, trust: ssl.SSLContext) -> str:
    """Who signed the certificate that a client behind the proxy sees for `host`."""
    proxy = httpx.URL(house.proxy)
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as sock:
        sock.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n".encode())
        assert b" 200 " in sock.recv(4096)
        with trust.wrap_socket(sock, server_hostname=host) as tls:
            certificate: Any = tls.getpeercert()
    return str(dict(pair for item in certificate["issuer"] for pair in item)["commonName"])


def test_reverse_and_regular_at_once(make_house: Any, world: Any, trail: Any) -> None:
    port = free_port()
    house = make_house("--mode", "regular", "--mode", f"reverse:https://api.openai.com@{port}")
    one, two, three = trail(), trail(), trail()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as web:
        assert web.post(CHAT, json=BODY, headers=one.header).status_code == 200
        with web.stream("POST", CHAT, json={**BODY, "stream": True}, headers=two.header) as answer:
            assert answer.read().endswith(b"data: [DONE]\n\n")
        assert web.get("/v1/models").json()["object"] == "list"
    with house.client() as web:
        assert web.post(f"https://api.openai.com{CHAT}", json=BODY, headers=three.header).status_code == 200
    for way in (one, two, three):
        row = house.row(way.id)
        assert (row["provider"], row["host"], row["status"]) == ("openai", "api.openai.com", 200)
    assert len(house.rows()) == 3


def test_plain_http_is_recognised_by_path_and_shape_on_any_port(house: Any, world: Any, trail: Any) -> None:
    one, two, three = trail(), trail(), trail()
    by_name, by_port = "http://ollama.lan:11434", f"http://127.0.0.1:{world.providers.http_port}"
    with house.client() as web:
        ollama = {"model": "llama3.2", "messages": BODY["messages"]}
        with web.stream("POST", f"{by_name}/api/chat", json=ollama, headers=one.header) as answer:
            assert [json.loads(line) for line in answer.iter_lines()][-1]["done"] is True
        assert web.post(f"{by_port}{CHAT}", json=BODY, headers=two.header).status_code == 200
        # The path of a chat without its shape is somebody else's API.
        assert web.post(f"{by_port}{CHAT}", json={"room": 7}, headers=three.header).status_code == 200
    row = house.row(one.id)
    assert (row["provider"], row["dialect"], row["streamed"]) == ("ollama", "ollama.chat", True)
    assert row["cost_usd"] is None
    assert row["cost_reason"]
    assert house.row(two.id)["provider"] == "self_hosted"
    assert house.rows(trace_id=three.id) == []


def test_a_host_outside_the_catalogue_is_not_decrypted(house: Any, world: Any, trail: Any) -> None:
    way = trail()
    theirs = ssl.create_default_context(cafile=str(world.ca_file))
    assert "simulated" in issuer_behind(house, "sim.example", theirs)
    assert issuer_behind(house, "api.openai.com", house.trust()) == "Midwatch CA"
    with house.client(verify=theirs) as web:
        assert web.post(f"https://sim.example{CHAT}", json=BODY, headers=way.header).status_code == 200
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"), house.client() as web:
        web.post(f"https://sim.example{CHAT}", json=BODY)
    assert house.rows(trace_id=way.id) == []


def test_paths_that_are_no_llm_call_are_relayed_and_not_recorded(house: Any, world: Any, trail: Any) -> None:
    way = trail()
    before = len(house.rows())
    with house.client(base_url="https://api.openai.com", headers=way.header) as web:
        assert web.get("/v1/models").json()["object"] == "list"
        assert web.post("/v1/fine_tuning/jobs", content=b"x" * 100_000).status_code == 404
        assert "simulated" in web.get("/").text
        assert web.get(CHAT).status_code == 200
    assert house.rows(trace_id=way.id) == []
    assert len(house.rows()) == before


def test_it_does_not_connect_to_itself(house: Any) -> None:
    proxy = httpx.URL(house.proxy)
    with house.client() as web:
        for name in ("127.0.0.1", "localhost", "127.1.2.3", "0.0.0.0"):
            answer = web.get(f"http://{name}:{proxy.port}/")
            assert answer.status_code == 502
            assert "itself" in answer.text


def test_an_unknown_name_is_a_bad_gateway(house: Any, trail: Any) -> None:
    way = trail()
    with house.client() as web:
        assert web.post(f"http://no-such-host.invalid{CHAT}", json=BODY, headers=way.header).status_code == 502
    row = house.row(way.id)
    assert row["status"] in (None, 502)
    assert row["error"]


def test_two_calls_on_one_connection_are_two_rows(house: Any, trail: Any) -> None:
    ways = [trail() for _ in range(5)]
    with house.client() as web:
        for way in ways:
            assert web.post(f"https://api.openai.com{CHAT}", json=BODY, headers=way.header).status_code == 200
    assert len({house.row(way.id)["id"] for way in ways}) == 5


def test_many_plain_calls_to_a_redirected_name_share_one_connection(house: Any, trail: Any) -> None:
    ways = [trail() for _ in range(8)]  # mitmproxy opens no more than five to one server
    ollama = {"model": "llama3.2", "messages": BODY["messages"], "stream": False}
    with house.client() as web:
        for way in ways:
            answer = web.post("http://ollama.lan:11434/api/chat", json=ollama, headers=way.header)
            assert answer.json()["done"] is True
    rows = [house.row(way.id) for way in ways]
    assert {row["host"] for row in rows} == {"ollama.lan"}
    assert house.whole(ways[0].id)["endpoint"]["port"] == 11434

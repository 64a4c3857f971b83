import json
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from midwatch.simulated import SimulatedProviders
from tests.e2e.certified import ClientCA
from tests.ports import free_port


def started(folder: Path, *more: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "midwatch.simulated", "--folder", str(folder), *more]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("ending", ["stdin", "signal"])
def test_a_process_says_where_it_listens_and_ends_when_told(tmp_path: Path, ending: str) -> None:
    with started(tmp_path, "--quiet", "--script", "tokens=3", "--name", "llm.example.test") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        context = ssl.create_default_context(cafile=ready["ca_file"])
        with httpx.Client(verify=context, timeout=60) as client:
            url = f"https://localhost:{ready['tls_port']}/v1/chat/completions"
            answer = client.post(url, json={"messages": []}, extensions={"sni_hostname": "llm.example.test"})
        assert answer.json()["usage"]["completion_tokens"] == 3
        if ending == "stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_wrong_use_is_exit_2(tmp_path: Path) -> None:
    with started(tmp_path, "--script", "nonsense=1") as process:
        assert process.wait(60) == 2


async def test_names_of_the_certificate(tmp_path: Path) -> None:
    async with SimulatedProviders(folder=tmp_path, extra_names=["llm.example.test", "127.0.0.9"]) as sim:
        context = ssl.create_default_context(cafile=str(sim.ca_file))
        async with httpx.AsyncClient(verify=context, timeout=60) as client:
            for name in ("api.openai.com", "my.openai.azure.com", "llm.example.test", "127.0.0.9"):
                answer = await client.get(f"https://127.0.0.1:{sim.tls_port}/", extensions={"sni_hostname": name})
                assert answer.status_code == 200
            wrong = {"sni_hostname": "other.example.test"}
            with pytest.raises(httpx.ConnectError):
                await client.get(f"https://localhost:{sim.tls_port}/", extensions=wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]


async def test_without_http2(tmp_path: Path) -> None:
    async with SimulatedProviders(folder=tmp_path, http2=False) as sim:
        context = ssl.create_default_context(cafile=str(sim.ca_file))
        async with httpx.AsyncClient(verify=context, http2=True, timeout=60) as client:
            answer = await client.get(f"https://127.0.0.1:{sim.tls_port}/")
    assert answer.http_version == "HTTP/1.1"


async def test_who_has_no_certificate_is_not_spoken_to_where_one_is_asked_for(tmp_path: Path) -> None:
    clients = ClientCA(tmp_path / "clients")
    async with SimulatedProviders(folder=tmp_path / "sim", client_ca=clients.file) as sim:
        context = ssl.create_default_context(cafile=str(sim.ca_file))
        async with httpx.AsyncClient(verify=context, timeout=60) as nobody:
            with pytest.raises(httpx.TransportError):
                await nobody.get(f"https://localhost:{sim.tls_port}/")
        context.load_cert_chain(clients.client("me"))
        async with httpx.AsyncClient(verify=context, timeout=60) as known:
            assert (await known.get(f"https://localhost:{sim.tls_port}/")).status_code == 200


async def test_it_listens_where_it_is_told(tmp_path: Path) -> None:
    other = "::1" if socket.has_dualstack_ipv6() else "127.0.0.2"
    port = free_port()  # one for both
    both = SimulatedProviders(folder=tmp_path, hosts=("127.0.0.1", other), http_port=port)
    async with both, httpx.AsyncClient(timeout=60) as client:
        for host in ("127.0.0.1", f"[{other}]" if ":" in other else other):
            assert (await client.get(f"http://{host}:{port}/")).status_code == 200

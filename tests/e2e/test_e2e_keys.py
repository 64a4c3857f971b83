"""A key's life: it is felt at once on every worker, in tunnels that are open, on other nodes, and after a crash."""

from __future__ import annotations

import os
import signal
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.admitting import BODY, CHAT, Desk, code_of, name_of, proxy_of

REQUIRED = {"identity": {"required": True}}


@pytest.fixture(scope="module")
def desk(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Two workers, which let in who is known; the tenant acme is."""
    folder = tmp_path_factory.mktemp("strict")
    with house_in(folder, "--workers", "2", settings=REQUIRED) as house:
        made = Desk(house)
        made.run("tenants", "add", "acme")
        yield made
        assert "crashed" not in house.log


@pytest.fixture
def key(desk: Desk) -> str:
    return desk.key("--tenant", "acme")


def answer_to(client: httpx.Client) -> tuple[int, str | None]:
    """What becomes of a call."""
    return code_of(client.post(CHAT, json=BODY))


def let_in(client: httpx.Client) -> bool:
    return client.post(CHAT, json=BODY).status_code == 200


def tunnel(desk: Desk, key: str) -> int:
    """What the proxy says to a new tunnel: 200 where it is opened."""
    with desk.client(key) as web:
        try:
            web.post(CHAT, json=BODY)
        except httpx.ProxyError as error:
            return int(str(error).split()[0])
    return 200


def running(lines: list[str], module: str) -> list[int]:
    """The processes among `lines` that run a module of ours."""
    return [int(line.split()[0]) for line in lines if module in line]


@contextmanager
def alone(workers: list[int], chosen: int) -> Iterator[None]:
    """Only one of the workers takes connections meanwhile."""
    others = [worker for worker in workers if worker != chosen]
    try:
        for worker in others:
            os.kill(worker, signal.SIGSTOP)
        yield
    finally:
        for worker in others:
            os.kill(worker, signal.SIGCONT)


@pytest.fixture
def on_each_worker(desk: Desk, living: Callable[[str], list[str]]) -> Iterator[Callable[..., list[httpx.Client]]]:
    """Makes clients, one with an open tunnel into each worker."""
    made: list[httpx.Client] = []
    workers = running(living(str(desk.house.home.root)), "midwatch.proxy.worker")
    assert len(workers) == 2

    def make(key: str, **options: Any) -> list[httpx.Client]:
        clients = []
        for worker in workers:
            client = desk.client(key, **options)
            clients.append(client)
            with alone(workers, worker):
                assert let_in(client)
        made.extend(clients)
        return clients

    yield make
    for client in made:
        client.close()


@pytest.mark.parametrize("http2", [False, True])
def test_a_revoked_key_is_refused_at_once_on_every_worker_also_in_an_open_tunnel(
    desk: Desk, key: str, on_each_worker: Any, http2: bool
) -> None:
    clients, others = on_each_worker(key, http2=http2), on_each_worker(desk.key("--tenant", "acme"), http2=http2)
    desk.revoke(key)
    assert [answer_to(client) for client in clients] == [(401, "midwatch_revoked_key")] * 2
    assert all(let_in(client) for client in others)
    assert [tunnel(desk, key) for _ in range(4)] == [407] * 4
    with desk.client(headers={"x-midwatch-key": key}) as web:
        assert answer_to(web) == (401, "midwatch_revoked_key")


def test_a_key_that_is_rotated_lives_on_for_its_time_of_grace(desk: Desk, key: str, on_each_worker: Any) -> None:
    old = on_each_worker(key)
    fresh = desk.run("keys", "rotate", name_of(key), "--grace", "1h").strip()
    new = on_each_worker(fresh)
    assert all(let_in(client) for client in (*old, *new))
    newest = desk.run("keys", "rotate", name_of(fresh), "--grace", "0s").strip()
    assert [answer_to(client) for client in new] == [(401, "midwatch_expired_key")] * 2
    assert all(let_in(client) for client in (*old, *on_each_worker(newest)))
    state = {row["id"]: (row["state"], row["tenant"]) for row in desk.rows("keys")}
    assert [state[name_of(text)] for text in (key, fresh, newest)] == [
        ("valid", "acme"),
        ("expired", "acme"),
        ("valid", "acme"),
    ]


def test_a_key_expires_in_an_open_tunnel(desk: Desk, waiting: Any) -> None:
    key = desk.key("--tenant", "acme", "--expires", "5s")
    with desk.client(key) as web:
        assert let_in(web)
        assert waiting(lambda: None if let_in(web) else answer_to(web), "the key's end") == (
            401,
            "midwatch_expired_key",
        )
    assert tunnel(desk, key) == 407


@pytest.mark.parametrize("ends", ["revoked", "expired"])
def test_a_tunnel_that_nobody_reads_is_ended_with_its_key(desk: Desk, world: Any, waiting: Any, ends: str) -> None:
    """No request inside it can be refused; without its key's end it would be kept alive and answer on."""
    world.origin.routes["/relay"] = lambda asked: asked.answer(b"relayed")
    key = desk.key("--tenant", "acme", *(("--expires", "5s") if ends == "expired" else ()))
    stays = desk.key("--tenant", "acme")
    own = ssl.create_default_context(cafile=str(world.ca_file))

    def ask(web: httpx.Client) -> str:
        try:
            return web.get("https://private.example/relay").text
        except httpx.TransportError as error:
            return str(error)

    # The client itself lets nothing go that is idle.
    kept: dict[str, Any] = {"verify": own, "limits": httpx.Limits(keepalive_expiry=60)}
    with desk.client(key, **kept) as web, desk.client(stays, **kept) as other:
        assert (ask(web), ask(other)) == ("relayed", "relayed")
        opened = world.origin.tunnels
        if ends == "revoked":
            desk.revoke(key)
        waiting(lambda: "407" in ask(web), "the tunnel's end")
        assert ask(other) == "relayed"
        assert world.origin.tunnels == opened


def test_a_tenant_that_is_removed_takes_its_keys_along(desk: Desk) -> None:
    desk.run("tenants", "add", "passing")
    key = desk.key("--tenant", "passing")
    with desk.client(key) as web:
        assert let_in(web)
        desk.run("tenants", "remove", "passing")
        assert answer_to(web)[0] == 401
        # Another of the same name is another.
        desk.run("tenants", "add", "passing")
        assert answer_to(web) == (401, "midwatch_revoked_key")


def test_what_was_revoked_stays_so_when_workers_and_control_are_killed(
    desk: Desk, key: str, living: Callable[[str], list[str]], waiting: Any
) -> None:
    """Workers start from what control has written into the home, and need nobody to know who may come."""
    ended = desk.key("--tenant", "acme")
    desk.revoke(ended)
    lines = living(str(desk.house.home.root))
    killed = [*running(lines, "midwatch.proxy.worker"), *running(lines, "midwatch.control.process")]
    assert len(killed) == 3
    for process in killed:
        os.kill(process, signal.SIGKILL)

    def again() -> bool:
        try:
            with desk.client(key) as web:
                return let_in(web)
        except httpx.TransportError:
            return False

    waiting(again, "the next worker")
    assert [tunnel(desk, ended) for _ in range(4)] == [407] * 4
    status = waiting(lambda: (told := desk.house.ask({"op": "status"})) and told["workers"] == 2 and told, "control")
    assert status["ready"]


def test_another_home_on_the_same_store_hears_of_it(make_house: Any, tmp_path: Path, waiting: Any) -> None:
    """Two nodes: keys are made at one of them, and end there. What the other does not know yet is a wrong one to it."""
    patient = {"connections": {"wrong_keys": 0}}
    shared = {"storage": {"metadata": f"sqlite:///{tmp_path / 'shared.db'}"}, **REQUIRED, **patient}
    here, there = (Desk(make_house(**shared)) for _ in range(2))
    here.run("tenants", "add", "acme")
    key = here.key("--tenant", "acme")
    waiting(lambda: tunnel(there, key) == 200, "the other node to know the key")
    with there.client(key) as web:
        assert let_in(web)
        here.revoke(key)
        waiting(lambda: answer_to(web) == (401, "midwatch_revoked_key"), "the other node to refuse it")


def test_an_sdk_raises_its_own_error_when_its_key_ends(desk: Desk, key: str) -> None:
    web = openai.DefaultHttpxClient(proxy=proxy_of(desk.house, key), verify=desk.house.trust(), timeout=60)
    with openai.OpenAI(api_key="sk-e2e", http_client=web) as client:
        ask = client.chat.completions.create
        ask(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}])
        desk.revoke(key)
        with pytest.raises(openai.AuthenticationError, match="was revoked") as raised:
            ask(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi"}])
    assert raised.value.code == "midwatch_revoked_key"

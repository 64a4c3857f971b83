"""Listening sockets: bound before anything starts, one a mode, and an error that says what to do."""

import socket
from collections.abc import Iterator

import pytest

from midwatch.crew.bound_sockets import Sockets, address_of, bound
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError
from tests.ports import free_port


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield f"127.0.0.1:{sock.getsockname()[1]}"


def close(sockets: Sockets) -> None:
    for sock in (*sockets.proxy, sockets.console):
        sock.close()


def test_a_socket_listens_and_is_for_children_to_inherit() -> None:
    with bound("127.0.0.1:0", "--listen") as sock:
        assert sock.get_inheritable()
        assert address_of(sock) == f"127.0.0.1:{sock.getsockname()[1]}"
        with socket.create_connection(sock.getsockname()):
            pass  # the kernel takes it although nobody accepts: so it is while a worker starts


def test_an_address_of_ipv6_has_brackets() -> None:
    if not socket.has_dualstack_ipv6():  # it can't be had here, and says so
        with pytest.raises(ConfigError, match=r"\[::1\]:0.*; choose another"):
            bound("[::1]:0", "--listen")
        return
    with bound("[::1]:0", "--listen") as sock:
        assert address_of(sock).startswith("[::1]:")


def test_the_wildcard_of_ipv6_is_of_both_families() -> None:
    if not socket.has_dualstack_ipv6():  # it can't be had here, and says so
        with pytest.raises(ConfigError, match=r"\[::\]:0.*; choose another"):
            bound("[::]:0", "--listen")
        return
    with bound("[::]:0", "--listen") as sock:
        port = sock.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port)):
                pass


def test_a_port_that_is_taken_says_so(taken: str) -> None:
    with pytest.raises(ConfigError, match=rf"--console {taken}: Address already in use; choose another with --console"):
        bound(taken, "--console")


@pytest.mark.parametrize("address", ["192.0.2.1:80", "no such host.invalid:80", "a..b:80"])
def test_an_address_that_cannot_be_had_says_so(address: str) -> None:
    with pytest.raises(ConfigError, match=r"--listen .*; choose another with --listen HOST:PORT"):
        bound(address, "--listen")


@pytest.mark.parametrize(
    ("modes", "count"),
    [
        (("regular",), 1),
        (("regular", "reverse:http://localhost:1@127.0.0.1:0"), 2),
        (("reverse:https://api.openai.com",), 1),
        (("upstream:http://proxy:3128",), 1),
        (("dns",), 0),
        (("wireguard", "regular"), 1),
    ],
)
def test_each_mode_over_tcp_has_a_socket(modes: tuple[str, ...], count: int) -> None:
    sockets = Sockets.bind(Config(listen="127.0.0.1:0", console="127.0.0.1:0", mode=modes))
    try:
        assert len(sockets.proxy) == count
    finally:
        close(sockets)


def test_a_modes_own_port_is_on_the_address_of_listen() -> None:
    port = free_port()
    config = Config(listen="127.0.0.1:0", console="127.0.0.1:0", mode=("regular", f"reverse:http://localhost:1@{port}"))
    sockets = Sockets.bind(config)
    try:
        assert address_of(sockets.proxy[1]) == f"127.0.0.1:{port}"
    finally:
        close(sockets)


def test_a_family_that_the_system_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "AF_INET6", 9999)  # no kernel has it
    with pytest.raises(ConfigError, match=r"--listen \[::1\]:0: .*; choose another"):
        bound("[::1]:0", "--listen")

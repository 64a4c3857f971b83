"""Owners: the process at the other end of a connection, by /proc; nothing where nothing can be known."""

import asyncio
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from midwatch.proxy.inventory.owners import Owner, Owners, known

# Linux; elsewhere nothing can be known of a process, and nothing is.
KNOWABLE = Path("/proc/net/tcp").exists()
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
CONTAINER = "0123456789abcdef" * 4
# 127.0.0.1 and ::ffff:127.0.0.1 as a machine of this byte order prints them.
LOOPBACK = "0100007F" if sys.byteorder == "little" else "7F000001"
ENDS = ("127.0.0.1", 5000), ("127.0.0.1", 8080)
MAPPED = ("0000000000000000FFFF0000" if sys.byteorder == "little" else "00000000000000000000FFFF") + LOOPBACK


@pytest.fixture
def pair() -> Iterator[tuple[Any, Any]]:
    """A client's address and our own, of a connection that is open."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, peer = server.accept()
        with accepted:
            yield peer, accepted.getsockname()
        assert client


def made_proc(folder: Path, *, table: str, local: str, remote: str, **files: str) -> Path:
    """A /proc with one socket, and one process that holds it."""
    (folder / "net").mkdir()
    line = f"   0: {local} {remote} 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n"
    (folder / "net" / table).write_text(HEAD + line)
    fd = folder / "42" / "fd"
    fd.mkdir(parents=True)
    (fd / "7").symlink_to("socket:[4711]")
    for name, text in files.items():
        (folder / "42" / name).write_text(text)
    return folder


def test_a_connection_from_this_machine_has_the_process_that_holds_it(pair: Any) -> None:
    owner = Owners().find(*pair)
    process = (owner.process if owner else None) or ""
    assert (re.match(r"python|pytest", process) is not None) is KNOWABLE


@pytest.mark.parametrize(
    ("table", "local", "remote"),
    [
        ("tcp", f"{LOOPBACK}:1388", f"{LOOPBACK}:1F90"),
        ("tcp6", f"{MAPPED}:1388", f"{MAPPED}:1F90"),
    ],
    ids=["IPv4", "IPv4 by an IPv6 socket"],
)
def test_the_socket_is_found_by_both_its_addresses(tmp_path: Path, table: str, local: str, remote: str) -> None:
    proc = made_proc(tmp_path, table=table, local=local, remote=remote, cmdline="/usr/bin/curl\0-s\0", cgroup="0::/\n")
    owners = Owners(proc)
    assert owners.find(("127.0.0.1", 5000), ("127.0.0.1", 8080)) == Owner("curl", None)
    assert owners.find(("127.0.0.1", 5001), ("127.0.0.1", 8080)) is None
    assert owners.find(("nonsense", 5000), ("127.0.0.1", 8080)) is None


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["/usr/bin/node", "/opt/bin/claude", "--api-key", "sk-1"], "node claude"),
        (["python3.13", "-u", "/srv/app.py", "--key", "sk-1"], "python3.13 app.py"),
        (["python3", "-m", "agents", "sk-1"], "python3 agents"),
        (["python3", "-W", "ignore", "app.py"], "python3 app.py"),
        (["java", "-cp", "a.jar:b.jar", "-jar", "/opt/agent.jar"], "java agent.jar"),
        (["python3", "-m"], "python3"),
        (["python3", "-c", "print('sk-1')"], "python3"),
        (["node", "-e", "sk-1"], "node"),
        (["python3"], "python3"),
        (["./codex", "exec", "sk-1"], "codex"),
        ([], "comm"),
        (["a\x1b[31mred"], "a[31mred"),
    ],
)
def test_a_process_is_told_by_its_program_and_script_and_by_no_other_word(
    tmp_path: Path, words: list[str], name: str
) -> None:
    cmdline = "".join(f"{word}\0" for word in words)
    where = {"table": "tcp", "local": f"{LOOPBACK}:1388", "remote": f"{LOOPBACK}:1F90"}
    proc = made_proc(
        tmp_path, **where, cmdline=cmdline, comm="comm\n", cgroup=f"0::/system.slice/docker-{CONTAINER}.scope\n"
    )
    assert Owners(proc).find(("127.0.0.1", 5000), ("127.0.0.1", 8080)) == Owner(name, CONTAINER[:12])


def test_what_can_t_be_read_is_not_there(tmp_path: Path) -> None:
    where = {"table": "tcp", "local": f"{LOOPBACK}:1388", "remote": f"{LOOPBACK}:1F90"}
    proc = made_proc(tmp_path, **where)
    assert Owners(proc).find(("127.0.0.1", 5000), ("127.0.0.1", 8080)) == Owner(None, None)
    (proc / "42" / "fd" / "7").unlink()
    assert Owners(proc).find(("127.0.0.1", 5000), ("127.0.0.1", 8080)) is None
    assert Owners(tmp_path / "nosuch").find(("127.0.0.1", 5000), ("127.0.0.1", 8080)) is None


def client(peer: Any, local: Any, number: int = 1) -> Any:
    return SimpleNamespace(id=f"c{number}", peername=peer, sockname=local)


@pytest.fixture
def owned(tmp_path: Path) -> Path:
    """A /proc where one process holds the socket of `ENDS`."""
    where = {"table": "tcp", "local": f"{LOOPBACK}:1388", "remote": f"{LOOPBACK}:1F90"}
    return made_proc(tmp_path, **where, cmdline="/usr/bin/curl\0", cgroup="0::/\n")


async def test_a_client_is_looked_up_once_and_forgotten_when_it_is_gone(owned: Path) -> None:
    owners, one = Owners(owned), client(*ENDS)
    found = owners.of(one)
    assert found is not None
    assert owners.of(one) is found
    assert (owner := await found) is not None
    assert known(found) is owner
    owners.client_disconnected(one)
    assert owners.of(one) is not found
    owners.close()


async def test_who_has_gone_before_its_turn_is_not_looked_up(owned: Path) -> None:
    owners = Owners(owned)
    first, gone = owners.of(client(*ENDS, 1)), client(*ENDS, 2)
    found = owners.of(gone)
    owners.client_disconnected(gone)
    assert found is not None
    assert found.cancelled()
    assert known(found) is None
    assert first is not None
    assert await first == Owner("curl", None)
    owners.close()


@pytest.mark.parametrize("peer", [("10.0.0.7", 5000), ("no address", 1), None])
async def test_of_a_client_elsewhere_nothing_is_asked(peer: Any) -> None:
    owners = Owners()
    assert owners.of(client(peer, ("10.0.0.1", 8080))) is None
    assert known(None) is None


async def test_so_many_lookups_wait_and_no_more(owned: Path) -> None:
    owners = Owners(owned)
    found = [owners.of(client(*ENDS, number)) for number in range(40)]
    waiting = [item for item in found if item is not None]
    assert len(waiting) == 32
    assert set(await asyncio.gather(*waiting)) == {Owner("curl", None)}
    assert owners.of(client(*ENDS, 99)) is not None
    owners.close()

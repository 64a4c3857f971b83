"""Which process of this machine a connection comes from, by /proc (Linux): looked up in a thread, bounded in time.

Source: https://man7.org/linux/man-pages/man5/proc_pid_net.5.html and proc_pid_cgroup.5. Other users' processes and
other network namespaces can't be seen without privileges: then there is no answer, and nothing is said of it.
"""

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from mitmproxy import connection

from midwatch.proxy.inventory.proc_files import read_text
from midwatch.proxy.inventory.socket_inode import Address, inode_of

_DEADLINE_S = 0.5
_MOST_PROCESSES = 8192
# A program opens many connections: those seen last are looked at first.
_RECENT = 32
# Lookups that wait: beyond, a connection has no known process.
_MOST_WAITING = 32
_MAX_TEXT = 80
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_INTERPRETERS = re.compile(r"(python|node|bun|deno|ruby|php|perl|java|dotnet)[\d.]*")

# Options of interpreters behind which code stands, and those behind which a value does.
_CODE = frozenset({"-c", "-e", "--eval", "-p", "--print", ""})
_WITH_VALUE = frozenset({"-W", "-X", "-r", "--require", "--import", "-cp", "-classpath", "--class-path"})

_PROC = Path("/proc")

type Found = asyncio.Future[Owner | None]


@dataclass(frozen=True, slots=True)
class Owner:
    """A process by its name (`node claude`, `curl`), and the first digits of its container's id, where it has one."""

    process: str | None
    container: str | None


class Owners:
    """Looks up who is at the other end of a connection, one lookup at a time. An addon, to forget who is gone."""

    name = "midwatch_owners"

    def __init__(self, proc: Path = _PROC) -> None:
        self._proc = proc
        self._recent: deque[int] = deque(maxlen=_RECENT)
        self._of: dict[str, Found | None] = {}
        self._waiting = 0
        self._thread: ThreadPoolExecutor | None = None

    def of(self, client: connection.Client) -> Found | None:
        """Who a client is, in time; looked up once a connection. None where it is elsewhere or can't be known."""
        if client.id not in self._of:
            known = client.peername and client.sockname
            self._of[client.id] = self._look_up(client.peername[:2], client.sockname[:2]) if known else None
        return self._of[client.id]

    def client_disconnected(self, client: connection.Client) -> None:
        """A client is gone, and its socket: a lookup that has not begun would find nothing."""
        found = self._of.pop(client.id, None)
        if found is not None:
            found.cancel()

    def _look_up(self, peer: Address, local: Address) -> Found | None:
        if not _is_here(peer[0], local[0]) or self._waiting >= _MOST_WAITING or not self._proc.is_dir():
            return None
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="midwatch-owners")
        self._waiting += 1
        found = asyncio.get_running_loop().run_in_executor(self._thread, self.find, peer, local)
        found.add_done_callback(self._done)
        return found

    def find(self, peer: Address, local: Address) -> Owner | None:
        """The owner of the socket that is bound to `peer` and connected to `local`, looked up here and now.

        Raises nothing: what can't be read is not there.
        """
        ends_s = time.monotonic() + _DEADLINE_S
        try:
            inode = inode_of(self._proc, peer, local, ask=self._proc == _PROC)
        except OSError:  # an address of another kind
            return None
        if inode is None:
            return None
        for pid in self._processes():
            if time.monotonic() > ends_s:
                return None
            if _holds(self._proc / str(pid) / "fd", f"socket:[{inode}]"):
                if pid not in self._recent:
                    self._recent.append(pid)
                return Owner(_name(self._proc / str(pid)), _container(self._proc / str(pid)))
        return None

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self, _: Any) -> None:
        self._waiting -= 1

    def _processes(self) -> Iterator[int]:
        recent = list(reversed(self._recent))
        yield from recent
        with suppress(OSError):
            others = [int(entry.name) for entry in os.scandir(self._proc) if entry.name.isdecimal()]
            # The newest first: who has just connected was often started just now.
            yield from sorted(set(others) - set(recent), reverse=True)[:_MOST_PROCESSES]


def _is_here(peer: str, local: str) -> bool:
    """Whether a client is on this machine: it comes from a loopback address, or from the one it came to."""
    try:
        there = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(there, "ipv4_mapped", None)
    return (mapped or there).is_loopback or peer == local


def _holds(folder: Path, link: str) -> bool:
    """Whether one of a process's descriptors is this socket. The highest first: it was opened just now."""
    try:
        with os.scandir(folder) as entries:
            return any(_link(entry.path) == link for entry in reversed(list(entries)))
    except OSError:
        return False


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115  # hundreds of them: a Path each would take longer than the looking
    except OSError:
        return ""


def _name(process: Path) -> str | None:
    """The program's name without its folder, and for an interpreter that of the script: never any other word."""
    words = read_text(process / "cmdline").split("\0")
    name = words[0].rpartition("/")[2] or read_text(process / "comm").strip()
    if _INTERPRETERS.fullmatch(name) and (script := _script(words[1:])):
        name = f"{name} {script}"
    return "".join(char for char in name if char.isprintable())[:_MAX_TEXT] or None


def _script(words: list[str]) -> str | None:
    """`app.py` of `-u /srv/app.py --key K`, `pip` of `-m pip`; what follows is nobody's business."""
    before = ""
    for word in words:
        if before == "-m":
            return word
        if word in _CODE:
            return None
        if not word.startswith("-") and before not in _WITH_VALUE:
            return word.rpartition("/")[2]
        before = word
    return None


def _container(process: Path) -> str | None:
    """The first twelve digits of a container's id, as its tools print it, from the name of its control group."""
    found = _CONTAINER.search(read_text(process / "cgroup"))
    return found[0][:12] if found else None


def known(found: Found | None) -> Owner | None:
    """Who it is, as far as that is known by now."""
    return found.result() if found is not None and found.done() and not found.cancelled() else None

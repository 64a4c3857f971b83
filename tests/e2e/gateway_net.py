"""Three machines in one: network namespaces of a client, a gateway and a provider, joined by veth pairs (root, Linux).

    client ── inside │ gateway │ outside ── provider

The client has a default route by the gateway and knows the provider's names from a hosts file; the provider knows the
way back. Nothing leaves the namespaces. Addresses of the provider look public, for private ones are guarded.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CLIENT = {4: "192.168.77.2", 6: "fd77::2"}
# The same client, by addresses that belong to nobody.
STRANGER = {4: "192.168.78.2", 6: "fd78::2"}
GATEWAY = {4: "192.168.77.1", 6: "fd77::1"}
PROVIDER = {4: "20.0.2.2", 6: "2600:db8::2"}
# The provider's second pair: configured as a provider by address.
LISTED = {4: "20.0.2.3", 6: "2600:db8::3"}
NAMES = ("api.openai.com", "private.example", "ollama.example")
TOOLS = ("ip", "nft", "iptables", "ip6tables", "curl", "setpriv", "unshare")
_ETC = Path("/etc/netns")


def missing() -> str | None:
    """Why it can't be had here, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "root: network namespaces on Linux need it"
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return f"root: {', '.join(absent)} not there; apt-get install nftables iptables iproute2 curl util-linux"
    done = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return None if done.returncode == 0 else "root: this machine allows no network namespaces"


@dataclass(frozen=True, slots=True)
class Network:
    """The three namespaces, by name."""

    client: str
    gateway: str
    provider: str

    def within(self, where: str) -> list[str]:
        """What stands before a command that is to run there (`client`, `gateway`, `provider`)."""
        return ["ip", "netns", "exec", getattr(self, where)]

    def run(self, where: str, *words: str, check: bool = True, **options: object) -> str:
        """A command's output there, with what it says on standard error."""
        done = subprocess.run(
            [*self.within(where), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
            **options,  # type: ignore[call-overload]  # cwd and env
        )
        assert done.returncode == 0 or not check, f"{where}# {' '.join(words)}\n{done.stdout}"
        return str(done.stdout)


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """The namespaces, for as long as a `with` lasts; they end also where it fails, with all that runs in them."""
    net = Network(*(f"midwatch-{os.getpid()}-{name}" for name in ("client", "gateway", "provider")))
    names = (net.client, net.gateway, net.provider)
    try:
        for name in names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _lay(net)
        (_ETC / net.client).mkdir(parents=True)
        (_ETC / net.client / "hosts").write_text(_hosts())
        yield net
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
            shutil.rmtree(_ETC / name, ignore_errors=True)
        with contextlib.suppress(OSError):  # others' are there
            _ETC.rmdir()


def _lay(net: Network) -> None:
    """Cables, addresses and routes."""
    for near, far, cable in ((net.client, net.gateway, "inside"), (net.provider, net.gateway, "outside")):
        _ip("-n", near, "link", "add", "eth0", "type", "veth", "peer", "name", cable, "netns", far)
    addresses = {
        (net.client, "eth0"): [*_both(CLIENT), *_both(STRANGER)],
        (net.gateway, "inside"): [*_both(GATEWAY), "192.168.78.1", "fd78::1"],
        (net.gateway, "outside"): ["20.0.2.1", "2600:db8::1"],
        (net.provider, "eth0"): [*_both(PROVIDER), *_both(LISTED)],
    }
    for (name, device), own in addresses.items():
        for address in own:
            _ip("-n", name, "address", "add", *_of_interface(address), "dev", device)
        _ip("-n", name, "link", "set", device, "up")
    for name, by in ((net.client, GATEWAY), (net.provider, {4: "20.0.2.1", 6: "2600:db8::1"})):
        for version, address in by.items():
            _ip("-n", name, f"-{version}", "route", "add", "default", "via", address)
    for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        net.run("gateway", "sh", "-c", f"echo 1 > /proc/sys/net/{switch}")


def _of_interface(address: str) -> list[str]:
    """An address with its prefix. IPv4 prefers the first of several; with IPv6 it must be said which is not preferred.

    No duplicate detection: an address would not be usable for a second.
    """
    if ":" not in address:
        return [f"{address}/24"]
    return [f"{address}/64", "nodad", *(["preferred_lft", "0"] if address in (STRANGER[6], LISTED[6]) else [])]


def _both(addresses: dict[int, str]) -> list[str]:
    return [addresses[4], addresses[6]]


def _hosts() -> str:
    lines = [f"{address} {' '.join(NAMES)}" for address in _both(PROVIDER)]
    return "\n".join(["127.0.0.1 localhost", *lines, ""])


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)

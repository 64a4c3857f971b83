"""DNS rebinding through a real proxy, the system's resolver and a hostile name server: a network namespace (root)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import rebinding
from tests.e2e.gateway_net import missing
from tests.e2e.rebinding import PUBLIC

NAMESPACE = f"midwatch-{os.getpid()}-names"
ETC = Path("/etc/netns") / NAMESPACE
WITHIN = ["ip", "netns", "exec", NAMESPACE]
METADATA = "169.254.169.254"


@pytest.fixture
def house(house_in: Any, tmp_path: Path) -> Iterator[Any]:
    """A house in a namespace whose names are the server's, which has what an attacker wants to reach."""
    if reason := missing():
        pytest.skip(reason)
    try:
        ip("netns", "add", NAMESPACE)
        ip("-n", NAMESPACE, "link", "set", "lo", "up")
        for address in (PUBLIC, METADATA):
            ip("-n", NAMESPACE, "address", "add", f"{address}/32", "dev", "lo")
        ETC.mkdir(parents=True)
        (ETC / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        server = subprocess.Popen([*WITHIN, sys.executable, rebinding.__file__], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            with house_in(tmp_path / "house", settings={"destinations": {"private": "refuse"}}, within=WITHIN) as made:
                yield made
        finally:
            server.kill()
            server.communicate()
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], capture_output=True, check=False)
        shutil.rmtree(ETC, ignore_errors=True)
        with contextlib.suppress(OSError):  # others' are there
            ETC.parent.rmdir()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


def curl(*words: str) -> str:
    done = subprocess.run(
        [*WITHIN, "curl", "-s", "--max-time", "20", *words], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout


def test_a_name_that_leads_inside_next_time_is_refused_and_counted(house: Any, waiting: Any) -> None:
    """The first connection is made although the name leads inside before it is: it is looked up once."""
    via = ("-x", house.proxy, "-w", " %{http_connect} %{http_code}")
    for address in ("127.0.0.1", METADATA):
        name = f"{address.replace('.', '-')}.rebind.example"
        for way, flags, first, then in (("plain", (), "000 200", "000 502"), ("tunnel", ("-p",), "200 200", "403 000")):
            url = f"http://{way}.{name}/"
            assert curl(*via, *flags, url) == f'["{PUBLIC}"] {first}'
            assert curl(*via, *flags, url).endswith(then)
    assert json.loads(curl(f"http://{PUBLIC}/")) == [PUBLIC]

    def counted() -> dict[str, float]:
        found = re.findall(r'midwatch_edges_refused_total\{edge="(\w+)"\} (\S+)', curl(f"{house.console}/metrics"))
        return {edge: float(count) for edge, count in found}

    waiting(lambda: counted() == {"destination_loopback": 2, "destination_metadata": 2}, "the refusals to be counted")

"""A company's forward proxy for tests: mitmproxy's own `mitmdump`, which asks for credentials and decrypts nothing.

`mitmdump` here is a real second proxy: none of Midwatch is in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e import corporate_addon
from tests.e2e.corporate_addon import LOG, NAMES
from tests.ports import free_port

_MITMDUMP = "from mitmproxy.tools.main import mitmdump; mitmdump()"
_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CorporateProxy:
    """A running one."""

    port: int
    log: Path
    ca_file: Path

    def asked(self) -> list[tuple[str, str]]:
        """What was asked of it so far: method and target."""
        return [(said["asked"], said["target"]) for said in self._said()]

    def asked_by_tls(self) -> list[str]:
        """The targets that were asked for over TLS."""
        return [said["target"] for said in self._said() if said["tls"]]

    def _said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextlib.contextmanager
def corporate_proxy(
    folder: Path,
    names: Mapping[str, tuple[str, int]],
    credentials: str,
    *,
    host: str = "127.0.0.1",
    within: Sequence[str] = (),
) -> Iterator[CorporateProxy]:
    """Run one that knows these names and lets in who has these credentials (`user:password`).

    `within` stands before its command: `ip netns exec NAME`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    where = {"confdir": folder, "listen_host": host, "listen_port": port}
    # It decrypts nothing, and its clients may have addresses of any kind.
    options = {**where, "ignore_hosts": ".", "block_global": "false"}
    words = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    log = folder / "asked.jsonl"
    command = [sys.executable, "-c", _MITMDUMP, "-q", *words, "--set", f"proxyauth={credentials}"]
    process = subprocess.Popen(
        [*within, *command, "-s", corporate_addon.__file__],
        stdin=subprocess.DEVNULL,
        env={**os.environ, LOG: str(log), NAMES: json.dumps(names)},
    )
    try:
        end = time.monotonic() + _DEADLINE_S
        while not log.exists():
            assert process.poll() is None, "mitmdump did not start"
            assert time.monotonic() < end, "mitmdump does not listen"
            time.sleep(0.05)
        yield CorporateProxy(port=port, log=log, ca_file=folder / "mitmproxy-ca-cert.pem")
    finally:
        process.kill()
        process.wait()

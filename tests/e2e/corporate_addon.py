"""What mitmdump is told to do as a company's proxy: write down what it was asked for, and know a test's names."""

import json
import os
from pathlib import Path

from mitmproxy import http
from mitmproxy.proxy import server_hooks

LOG = "CORPORATE_PROXY_LOG"
NAMES = "CORPORATE_PROXY_NAMES"
_NOWHERE = ("127.0.0.1", 1)


class Telling:
    """The addon inside mitmdump."""

    def __init__(self) -> None:
        self._names = {name: (host, port) for name, (host, port) in json.loads(os.environ[NAMES]).items()}

    def running(self) -> None:
        """Listening, for mitmproxy's own addons come first: the log is there, and empty."""
        Path(os.environ[LOG]).touch()

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel was asked for, with credentials that are right (mitmproxy's addon for them comes first)."""
        if flow.response is None:
            self._tell(asked="CONNECT", target=flow.request.authority, tls=flow.client_conn.tls_established)

    def request(self, flow: http.HTTPFlow) -> None:
        """A plain request: what it was asked for in absolute form.

        It is led on here, and not where the connection is made: mitmproxy would not find that to use it again.
        """
        if flow.response is None:
            self._tell(asked=flow.request.method, target=flow.request.url, tls=flow.client_conn.tls_established)
            flow.request.host, flow.request.port = self._names.get(flow.request.host, _NOWHERE)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Lead a tunnel to its server; names that are not known here lead nowhere."""
        assert data.server.address is not None
        host = data.server.address[0]
        if host != "127.0.0.1":
            data.server.address = self._names.get(host, _NOWHERE)

    def _tell(self, **said: str | bool) -> None:
        with Path(os.environ[LOG]).open("a") as log:
            log.write(json.dumps(said) + "\n")


addons = [Telling()] if LOG in os.environ else []

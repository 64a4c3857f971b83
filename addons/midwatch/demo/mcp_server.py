"""The demo's tool server: a real one of the Model Context Protocol, over plain HTTP on this machine."""

import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

HOST = "tools.demo"
_START_S = 30.0
_LOOK_S = 0.01


def tool_server() -> Any:
    """A server with one tool. Answers travel as SSE, as this library sends them unless told otherwise."""
    from mcp.server.fastmcp import FastMCP
    from mcp.server.transport_security import TransportSecuritySettings

    # It would refuse a name that is not its own machine's, against DNS rebinding.
    security = TransportSecuritySettings(allowed_hosts=[HOST])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about how its own settings are declared
        server = FastMCP("demo-tools", instructions="Ask for the tide before you sail.", transport_security=security)

    @server.tool()
    def tide(harbour: str) -> str:
        """When the tide is high in a harbour."""
        return f"High water in {harbour} is at 04:12."

    return server.streamable_http_app()


@contextmanager
def serving(app: Callable[..., Any]) -> Iterator[int]:
    """Serve an ASGI application from a thread of its own; its port. Raises TimeoutError where it does not start."""
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="tool-server", daemon=True)
    thread.start()
    try:
        end = time.monotonic() + _START_S
        while not server.started:
            if time.monotonic() > end or not thread.is_alive():
                raise TimeoutError("the tool server did not start")
            time.sleep(_LOOK_S)
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(_START_S)
        sock.close()

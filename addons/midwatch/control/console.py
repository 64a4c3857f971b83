"""The console's server: uvicorn on the supervisor's socket, with what plugins mount."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import Any

from midwatch_core.contributions import AsgiApp, Mount

logger = logging.getLogger(__name__)

_AGAIN_S = 0.05


class Console:
    """Serves the mounts of plugins until it is closed."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self._app = dispatcher(mounts)
        self._server: Any = None
        self._task: asyncio.Task[None] | None = None

    def start(self, sock: socket.socket) -> None:
        """Begin, on a bound socket."""
        import uvicorn

        config = uvicorn.Config(self._app, log_config=None, lifespan="off", access_log=False, server_header=False)
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._serve(sock), name="midwatch-console")

    async def close(self) -> None:
        """Stop; open event streams are cut."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = self._server.force_exit = True
            # uvicorn would leave event streams to be cancelled, loudly, with the loop: their applications see a client
            # that left instead. It goes on listening for a moment, and waits for who comes then for ever.
            while not self._task.done():
                for connection in list(self._server.server_state.connections):
                    connection.transport.abort()
                await asyncio.wait([self._task], timeout=_AGAIN_S)
            await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self, sock: socket.socket) -> None:
        # `serve` would take the process's signal handlers, which are control's.
        await self._server._serve([sock])


def dispatcher(mounts: Sequence[Mount]) -> AsgiApp:
    """One application for all: the mount with the longest prefix that fits answers."""
    ordered = sorted(mounts, key=lambda mount: len(mount.prefix), reverse=True)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        for mount in ordered:
            if not mount.prefix or path == mount.prefix or path.startswith(f"{mount.prefix}/"):
                inner = {**scope, "root_path": scope.get("root_path", "") + mount.prefix} if mount.prefix else scope
                return await mount.app(inner, receive, send)
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"nothing is mounted here: is the web plugin installed?\n"})
        return None

    return app

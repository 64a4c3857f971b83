"""The demo's calls to a tool server, by the real client of the Model Context Protocol."""

import asyncio
from collections.abc import Iterator

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from midwatch.demo.mcp_server import HOST
from midwatch.demo.step import Headers, Step


def mcp_steps() -> Iterator[Step]:
    """One session: who are you, what can you do, do it. All its requests have one trace."""

    def session(headers: Headers) -> object:
        return asyncio.run(_session(headers))

    yield Step("mcp tool", True, session, model=False)


async def _session(headers: Headers) -> str:
    async with (
        httpx.AsyncClient(headers=headers, timeout=30) as client,
        streamable_http_client(f"http://{HOST}/mcp", http_client=client) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        (tool,) = (await session.list_tools()).tools
        result = await session.call_tool(tool.name, {"harbour": "Lisbon"})
        if result.isError:
            raise RuntimeError(f"the tool failed: {result.content}")
        return str(result.content)

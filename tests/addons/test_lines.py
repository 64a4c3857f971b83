"""Lines: JSON objects over a Unix socket, large ones too; who is not there or says nothing is absent."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from midwatch.lines import LIMIT_BYTES, ControlAbsentError, Line, LineClient


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echoes; `hang up` hangs up, `nonsense` answers what is no JSON."""
    line = Line(reader, writer)
    while (message := await line.receive()) is not None:
        if message == "hang up":
            break
        if message == "nonsense":
            writer.write(b"{nonsense\n")
        else:
            await line.send(message)
    await line.close()


@pytest.fixture
async def client() -> AsyncIterator[LineClient]:
    with tempfile.TemporaryDirectory(prefix="mw") as folder:  # a socket's path must be short
        path = Path(folder) / "s"
        server = await asyncio.start_unix_server(_serve, path, limit=LIMIT_BYTES)
        yield LineClient(path)
        server.close()


@pytest.mark.parametrize("message", [{"a": [1, None, "ü\n"]}, [], "x" * 5_000_000, 1.5])
async def test_what_is_sent_is_received(client: LineClient, message: object) -> None:
    assert await client.ask(message) == message


async def test_one_connection_carries_many(client: LineClient) -> None:
    async with client.open() as line:
        for number in range(100):
            await line.send({"number": number})
        assert [(await line.receive())["number"] for _ in range(100)] == list(range(100))


@pytest.mark.parametrize(("message", "says"), [("hang up", "hung up"), ("nonsense", "does not answer")])
async def test_no_answer_is_absence(client: LineClient, message: str, says: str) -> None:
    with pytest.raises(ControlAbsentError, match=says):
        await client.ask(message)


async def test_nobody_there_is_absence(tmp_path: Path) -> None:
    with pytest.raises(ControlAbsentError):
        await LineClient(tmp_path / "nosuch").ask({})
    (tmp_path / "file").write_text("")
    with pytest.raises(ControlAbsentError):
        await LineClient(tmp_path / "file").ask({})

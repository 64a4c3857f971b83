import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from midwatch_core.model.exchange import Exchange
from midwatch_core.model.thread import LinkedBy, Thread, ToolSpan, Turn
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.sealing import Sealer
from midwatch_core.testing.factories import conversation, make_exchange, prose
from midwatch_core.wire.decoding import decode_request, decode_response
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.target import Target
from midwatch_sql import open_traces

TURNS = 200


def settled_size(path: Path) -> int:
    """Bytes of the database with nothing left in its WAL."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    return path.stat().st_size


@pytest.mark.parametrize("characters", [10, 600])
async def test_a_long_conversation_costs_its_new_text(tmp_path: Path, characters: int) -> None:
    path = tmp_path / "midwatch.db"
    repository = open_traces(f"sqlite:///{path}")
    assert repository is not None
    await repository.start()
    before = settled_size(path)
    turns = list(conversation(TURNS, characters=characters))
    for turn in turns:
        await repository.put([turn])
    grown = settled_size(path) - before
    print(f"{grown / TURNS:.0f} bytes a turn of {2 * characters} new characters")
    assert grown <= TURNS * (2 * characters * 1.5 + 2048)
    for turn in turns:
        assert await repository.get(Scope(), turn.id) == turn
    await repository.close()


async def test_a_turn_of_an_agent_costs_its_new_text_however_many_came_before(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    repository = open_traces(f"sqlite:///{path}")
    assert repository is not None
    await repository.start()
    turns = list(agent(TURNS))
    sizes = [settled_size(path)]
    for turn in turns:
        await repository.put([turn])
        sizes.append(settled_size(path))
    sent = sum(turn.request.body_bytes for turn in turns)
    print(f"{(sizes[-1] - sizes[0]) / TURNS:.0f} bytes a turn; sent were {sent / TURNS:.0f}")
    for first in range(0, TURNS, 50):
        assert sizes[first + 50] - sizes[first] <= 50 * (500 + 4096)
    for turn in turns[::20]:
        assert await repository.get(Scope(), turn.id) == turn
    await repository.close()


def agent(turns: int) -> Iterator[Exchange]:
    """The calls of an agent with seven tools: each turn runs one, and reads 500 characters of its result."""
    sealer = Sealer(b"a key", "default")
    target = Target(host="api.openai.com", path="/v1/chat/completions")
    offered = [
        {"type": "function", "function": {"name": f"tool_{number}", "description": prose(400, number)}}
        for number in range(7)
    ]
    messages: list[object] = [{"role": "system", "content": prose(3000, 100)}, {"role": "user", "content": "Begin."}]
    before: Exchange | None = None
    for turn in range(turns):
        call = {"id": f"call_{turn:024}", "function": {"name": "tool_1", "arguments": f'{{"path": "file_{turn}.py"}}'}}
        answer = {"role": "assistant", "content": None, "tool_calls": [call]}
        request = orjson.dumps({"model": "gpt-5", "messages": messages, "tools": offered})
        response = orjson.dumps({"model": "gpt-5", "choices": [{"message": answer, "finish_reason": "tool_calls"}]})
        exchange = make_exchange(
            request=sealer.request(decode_request(OpenAIChat(), request, target)),
            response=sealer.response(decode_response(OpenAIChat(), response, 200)),
            session="0199f0c2-5a7e-7000-8000-0123456789ab",
        )
        yield (before := _threaded(exchange, before))
        messages += [answer, {"role": "tool", "tool_call_id": call["id"], "content": prose(500, 1000 + turn)}]


def _threaded(exchange: Exchange, before: Exchange | None) -> Exchange:
    """The exchange after another, with the tool that ran between them."""
    if before is None or before.response is None:
        return replace(exchange, thread=Thread(linked_by=LinkedBy.SESSION))
    (call,) = before.response.tool_calls
    span = ToolSpan(
        call_id=call.id,
        name=call.name,
        called_by=before.id,
        started_at=before.started_at,
        ended_at=exchange.started_at,
        path=exchange.request.tool_results[-1].path,
    )
    thread = Thread(linked_by=LinkedBy.SESSION, turn=Turn.NEXT, parent_id=before.id)
    return replace(exchange, trace_id=before.trace_id, thread=thread, tool_spans=(span,))


async def test_retention_empties_and_shrinks_the_file(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    repository = open_traces(f"sqlite:///{path}")
    assert repository is not None
    await repository.start()
    turns = list(conversation(150, characters=1500))
    await repository.put(turns)
    full = settled_size(path)
    assert await repository.delete(Scope(), ExchangeFilter(until=turns[-1].started_at)) == 149
    assert await repository.get(Scope(), turns[-1].id) == turns[-1]
    connection = sqlite3.connect(path)
    of_the_last = connection.execute("SELECT count(*), min(uses) FROM pieces WHERE kind = 0").fetchone()
    assert of_the_last == (len(turns[-1].request.segments) + 1, 1)
    connection.close()
    await repository.put([*conversation(3, tenant="other")])
    assert await repository.delete(Scope(), ExchangeFilter()) == 4
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
    connection.close()
    assert settled_size(path) < full / 4
    await repository.close()

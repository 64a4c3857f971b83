"""An agent at work: its calls are one trace, its tools are spans, and the store grows by what is new."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections import Counter
from hashlib import sha256
from typing import Any

import openai
import pytest

# A run by hand may ask for more; the last half of them is measured.
TURNS = int(os.environ.get("E2E_TURNS", "40"))
COMMAND = json.dumps({"command": "make test"})
TOOL = {
    "type": "function",
    "function": {
        "name": "run",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
    },
}


def output(turn: int) -> str:
    """What the tool prints: new in each turn, and nothing that compresses well."""
    return "\n".join(f"{sha256(b'%d %d' % (turn, line)).hexdigest()} passed" for line in range(20))


@pytest.fixture(scope="module")
def worked(house: Any) -> dict[str, Any]:
    """What an agent did that runs a tool, reads what came, and runs it again, each turn with all that went before."""
    web = openai.DefaultHttpxClient(proxy=house.proxy, verify=house.trust(), timeout=60)
    messages: list[Any] = [{"role": "system", "content": "You mend."}, {"role": "user", "content": "Mend the tests."}]
    sizes: dict[int, int] = {}
    named = {"user-agent": "Mender/1.0"}
    with openai.OpenAI(api_key="sk-e2e", http_client=web, max_retries=0, default_headers=named) as client:
        for turn in range(TURNS):
            last = turn == TURNS - 1
            message = _ask(client, messages, last=last, streamed=turn % 2 == 0)
            messages.append(message)
            for call in message.get("tool_calls", ()):
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": output(turn)})
            if turn == TURNS // 2 or last:
                house.ask({"op": "sync"})
                sizes[turn] = _size(house)
    return {"rows": house.rows(app="Mender"), "sizes": sizes}


def _ask(client: Any, messages: list[Any], *, last: bool, streamed: bool) -> dict[str, Any]:
    sim = "" if last else f"arguments={COMMAND.replace(',', '%2C')}"
    asked: dict[str, Any] = {"model": "gpt-4o-mini", "messages": messages, "tools": [TOOL]}
    headers = {"x-sim": sim} if sim else {}
    if not streamed:
        answer = client.chat.completions.create(**asked, extra_headers=headers)
        return dict(answer.choices[0].message.to_dict())
    with client.chat.completions.stream(**asked, extra_headers=headers) as stream:
        return dict(stream.get_final_completion().choices[0].message.to_dict())


def _size(house: Any) -> int:
    """Bytes of the pages in use."""
    with contextlib.closing(sqlite3.connect(house.home.root / "midwatch.db")) as database:
        pages, free, page = (
            database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * page)


def test_an_agents_calls_are_one_trace_each_going_on_from_the_one_before(worked: Any) -> None:
    rows = list(reversed(worked["rows"]))
    assert len(rows) == TURNS
    assert len({row["trace_id"] for row in rows}) == 1
    assert Counter(row["turn"] for row in rows) == {"first": 1, "next": TURNS - 1}
    assert [row["parent_id"] for row in rows[1:]] == [row["id"] for row in rows[:-1]]


def test_every_tool_that_ran_is_one_span(house: Any, worked: Any) -> None:
    trace_id = worked["rows"][0]["trace_id"]
    told = house.run("traces", "tree", trace_id, "--json")
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [len(line["tool_spans"]) for line in lines] == [0] + [1] * (TURNS - 1)
    spans = [span for line in lines for span in line["tool_spans"]]
    assert {span["name"] for span in spans} == {"run"}
    assert [span["called_by"] for span in spans] == [line["id"] for line in lines[:-1]]
    shown = house.run("traces", "tree", trace_id).stdout
    assert shown.count("tool") >= TURNS - 1
    assert f"{TURNS} calls · {TURNS - 1} tools ran" in shown


def test_what_a_client_calls_its_conversation_is_one_trace(house: Any) -> None:
    session = "0199c0de-5e55-7000-8000-000000000001"
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
    with house.client() as web:
        for _ in range(2):
            web.post("https://api.openai.com/v1/chat/completions", json=asked, headers={"session-id": session})
    rows = [row for row in house.rows() if row["session"] == session]
    assert [row["linked_by"] for row in rows] == ["session", "session"]
    assert len({row["trace_id"] for row in rows}) == 1


def test_the_store_grows_by_what_is_new(worked: Any) -> None:
    (begin, before), (end, after) = sorted(worked["sizes"].items())
    a_turn = (after - before) / (end - begin)
    print(f"{TURNS} turns: {a_turn:,.0f} bytes a turn, {len(output(0)):,} characters of them new")
    # Kept anew, what these turns repeat would take more than twice that each, however well compressed.
    assert a_turn < 6 * 1024

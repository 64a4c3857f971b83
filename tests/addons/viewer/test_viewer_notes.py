"""Notes: a flow says in one line what its calls were, and people's own comments and marks stay theirs."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from mitmproxy.test import tflow
from mitmproxy.utils.emoji import emoji

from midwatch.viewer.notes import MOST_CALLS, begin_note, note_of, note_row
from midwatch.viewer.noting import Noting
from tests.addons.proxy.conftest import ANSWER, QUESTION, make_flow
from tests.addons.proxy.talk import Talk, answer, create
from tests.addons.viewer.conftest import Viewed

ROW: dict[str, Any] = {
    "id": "1",
    "provider": "openai",
    "model": "gpt-4o-mini",
    "operation": "chat",
    "status": 200,
    "input_tokens": 1234,
    "output_tokens": 56,
    "cost_usd": None,
    "cost_basis": None,
    "findings": (),
    "action": "allow",
    "finish_reason": "stop",
    "error": None,
}


def noted(*rows: dict[str, Any]) -> Any:
    flow = tflow.tflow()
    begin_note(flow)
    for row in rows:
        note_row(flow, {**ROW, **row})
    return flow


@pytest.mark.parametrize(
    ("rows", "line", "mark"),
    [
        ([{}], "openai gpt-4o-mini · 1,234→56 tokens", ""),
        ([{}, {"cost_usd": 0.0012}], "openai gpt-4o-mini · 1,234→56 tokens · $0.001200", ""),
        ([{"cost_usd": 0.5, "cost_basis": "api_equivalent"}], "openai gpt-4o-mini · 1,234→56 tokens · ≈$0.500000", ""),
        (
            [{"findings": ("midwatch/pii/email",)}],
            "openai gpt-4o-mini · 1,234→56 tokens · 1 finding: pii/email",
            ":warning:",
        ),
        (
            [{"findings": ("a/b/c", "a/b/c", "d"), "action": "redact"}],
            "openai gpt-4o-mini · 1,234→56 tokens · 3 findings: b/c, d · redacted",
            ":lock:",
        ),
        (
            [{"input_tokens": None, "output_tokens": None, "status": 403, "action": "block", "findings": ("x",)}],
            "openai gpt-4o-mini · 1 finding: x · blocked · 403",
            ":no_entry:",
        ),
        (
            [{"output_tokens": None, "error": "client disconnected"}],
            "openai gpt-4o-mini · 1,234→? tokens · client disconnected",
            "",
        ),
        ([{"model": None, "operation": "files"}], "openai files · 1,234→56 tokens", ""),
        ([{"model": "evil\n\x1b"}], "openai evil␊␛ · 1,234→56 tokens", ""),
        (
            [{}, {"id": "2", "model": "o3", "cost_usd": 0.25}, {"id": "3", "cost_usd": 0.5, "action": "cut"}],
            "openai gpt-4o-mini and 1 more · 3 calls · 3,702→168 tokens · $0.750000 · cut",
            ":scissors:",
        ),
    ],
    ids=["plain", "cost-later", "subscription", "found", "redacted", "blocked", "broken", "other", "hostile", "socket"],
)
def test_a_flow_says_what_its_calls_were(rows: list[dict[str, Any]], line: str, mark: str) -> None:
    flow = noted(*rows)
    assert (flow.comment, flow.marked) == (line, mark)
    assert not mark or mark in emoji


def test_a_comment_and_a_mark_of_somebody_else_stay() -> None:
    flow = noted({})
    flow.comment, flow.marked = "look at this", ":ghost:"
    note_row(flow, {**ROW, "findings": ("x",)})
    assert (flow.comment, flow.marked) == ("look at this", ":ghost:")
    assert note_of(flow).mark == ":warning:"


def test_many_calls_of_a_socket_leave_out_the_oldest() -> None:
    flow = noted()
    gone = [note_row(flow, {**ROW, "id": str(number)}) for number in range(MOST_CALLS + 2)]
    assert gone[-3:] == [None, "0", "1"]
    assert len(note_of(flow).rows) == MOST_CALLS


@pytest.mark.parametrize("kept", [None, 7, {}, {"calls": 7}, {"calls": [7, {"id": "x"}]}], ids=str)
def test_what_is_no_note_of_ours_is_none(kept: object) -> None:
    flow = tflow.tflow()
    flow.metadata["midwatch"] = kept
    assert note_of(flow).line == ""
    assert note_of(flow).rows == ()


def test_many_rules_are_counted() -> None:
    flow = noted({"findings": tuple(f"p/r{number}" for number in range(30))})
    assert flow.comment.endswith("30 findings: " + ", ".join(f"p/r{n}" for n in range(10)) + " and 20 more")


async def test_a_call_is_noted_with_its_last_byte(viewed: Viewed) -> None:
    body = {**orjson.loads(ANSWER), "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}
    flow = viewed.ask(make_flow())
    viewed.answer(flow, orjson.dumps(body), ends=False, content_length=str(len(orjson.dumps(body))))
    assert flow.comment == "openai gpt-4o · 3→4 tokens"
    assert note_of(flow).rows[0]["id"] == viewed.watch.journalled()[0].id


async def test_what_control_learns_comes_later(viewed: Viewed) -> None:
    flow = viewed.ask(make_flow(body=orjson.dumps(QUESTION)))
    viewed.answer(flow, ANSWER)
    assert flow.comment == "openai gpt-4o"
    row = {**note_of(flow).rows[0], "cost_usd": 0.25, "findings": ["pii/email"]}
    viewed.noting._learn(row)
    viewed.noting._learn({**row, "id": "another worker's"})
    assert (flow.comment, flow.marked) == ("openai gpt-4o · $0.250000 · 1 finding: pii/email", ":warning:")


async def test_the_calls_of_a_socket_are_noted_on_its_one_flow(viewed: Viewed) -> None:
    talk = Talk.begin(viewed.watch)
    for number in (1, 2):
        await talk.asks(create("Hi"))
        await talk.answers(*answer("Hello.", number=number))
    assert talk.flow.comment == "openai gpt-5 · 2 calls · 10→14 tokens"
    assert talk.flow.websocket is not None
    assert [message.from_client for message in talk.flow.websocket.messages].count(True) == 2
    assert isinstance(viewed.watch.settling.listener, Noting)


async def test_a_sockets_messages_are_kept_within_bounds(viewed: Viewed) -> None:
    talk = Talk.begin(viewed.watch)
    for number in range(30):
        await talk.asks(create("x" * 1000, number=number))
    assert talk.flow.websocket is not None
    kept = talk.flow.websocket.messages
    assert sum(len(message.content) for message in kept) <= 4096
    assert orjson.loads(kept[-1].content)["number"] == 29
    for number in range(200):
        await talk.answers({"type": "ping", "number": number})
    assert len(kept) == 100

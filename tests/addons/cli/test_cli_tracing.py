"""`traces tree`, and what `traces show` says of a call's place."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch_core.model.content import ToolCall
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.thread import LinkedBy, Thread, ToolSpan, Turn
from midwatch_core.testing.factories import make_exchange
from tests.addons.cli.conftest import put

_TRACE = "a-trace"


@pytest.fixture
def talk(home: Home) -> Sequence[Exchange]:
    """A call, a branch, and what went on after a tool that failed."""
    first = replace(make_exchange(), trace_id=_TRACE, thread=Thread())
    linked = Thread(linked_by=LinkedBy.SESSION, parent_id=first.id)
    ran = ToolSpan(
        call_id="call_1",
        name="run\x1b[31m",
        called_by=first.id,
        started_at=first.started_at,
        ended_at=first.started_at + timedelta(milliseconds=1500),
        path="/messages/3/content",
        failed=True,
    )
    called = ToolCall(id="call_1", name=ran.name, path="/choices/0/message/tool_calls/0/function/arguments")
    first = replace(first, response=first.response and replace(first.response, tool_calls=(called,)))
    branch = make_exchange(trace_id=_TRACE, thread=replace(linked, turn=Turn.BRANCH), model="gpt-5")
    last = make_exchange(trace_id=_TRACE, thread=replace(linked, turn=Turn.NEXT), session="s-1", tool_spans=(ran,))
    put(home, [first, branch, last])
    return [first, branch, last]


def test_a_tree_for_a_script(talk: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "tree", _TRACE, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["id"], line["depth"]) for line in lines] == [(talk[0].id, 0), (talk[1].id, 1), (talk[2].id, 0)]


def test_a_tree_for_a_person(talk: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "tree", _TRACE]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"trace {_TRACE} · 3 calls · 1 tool ran · $0.000369")
    assert "   tool" in out
    assert "failed" in out
    assert "\x1b" not in out
    assert "   branch" in out


def test_a_trace_that_is_not_there_is_1(talk: Sequence[Exchange], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "tree", "nosuch"]) == 1
    assert capsys.readouterr().err == "midwatch: no trace nosuch\n"


def test_a_call_shows_its_place_and_the_tools_before_it(
    talk: Sequence[Exchange], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["traces", "show", talk[2].id]) == 0
    out = capsys.readouterr().out
    assert f"trace {_TRACE} · next after {talk[0].id} · linked by session · session s-1" in out
    assert "tools that ran before it" in out
    assert "1500 ms  failed" in out
    assert "\x1b" not in out

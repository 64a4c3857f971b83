"""Commands: what mitmproxy's users type about calls to models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mitmproxy import exceptions, http
from mitmproxy.addons.view import View
from mitmproxy.test import taddons, tflow

from midwatch.viewer.commands import Commands
from midwatch.viewer.notes import begin_note, note_of, note_row
from midwatch.viewer.reading import Reading
from tests.addons.proxy.conftest import ANSWER, answer_head, make_flow
from tests.addons.viewer.test_viewer_notes import ROW

CHEAP: dict[str, Any] = {"model": "gpt-4o-mini", "cost_usd": 0.001, "findings": ("midwatch/pii/email",)}
BLOCKED: dict[str, Any] = {"provider": "anthropic", "status": 403, "action": "block", "input_tokens": 9}
DEAR: dict[str, Any] = {"model": "o3", "cost_usd": 2.5, "finish_reason": "length"}


def called(number: int, *rows: dict[str, Any]) -> http.HTTPFlow:
    flow = make_flow()
    answer_head(flow, content_type="application/json")
    assert flow.response is not None
    flow.response.raw_content = ANSWER
    flow.timestamp_created = number
    begin_note(flow)
    for row in rows:
        note_row(flow, {**ROW, "id": str(number), **row})
    return flow


class Typing:
    """A command line with a view of flows: one that is no call, then three that are."""

    def __init__(self, context: Any, view: View) -> None:
        self._commands = context.master.commands
        self.flows = [tflow.tflow(), called(1, CHEAP), called(2, BLOCKED), called(3, DEAR)]
        view.add(self.flows)

    def __call__(self, line: str) -> Any:
        return self._commands.execute(line)

    def numbers(self, line: str) -> list[int]:
        return [self.flows.index(flow) for flow in self(line)]


@pytest.fixture
def typing(reading: Reading) -> Iterator[Typing]:
    view = View()
    with taddons.context(view, Commands(reading)) as context:
        yield Typing(context, view)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", [1, 2, 3]),
        ("provider=openai", [1, 3]),
        ("provider=OPEN* model=gpt-4o*", [1]),
        ("finding", [1]),
        ("finding=*/pii/*", [1]),
        ("action=block", [2]),
        ("status=4??", [2]),
        ("finish=length", [3]),
        ("cost>0.01", [3]),
        ("tokens>65", [1, 3]),
    ],
)
def test_flows_are_found_by_what_their_calls_were(typing: Typing, words: str, found: list[int]) -> None:
    assert typing.numbers(f"midwatch.flows @all {words}") == found


@pytest.mark.parametrize("words", ["provider=nobody", "error", "finding=*/card model=gpt-4o*"])
def test_where_none_is_found_that_is_said(typing: Typing, words: str) -> None:
    with pytest.raises(exceptions.CommandError, match="none of these"):
        typing(f"midwatch.flows @all {words}")


@pytest.mark.parametrize("word", ["colour=red", "cost=1", "cost>much", "provider>1", "finding="])
def test_a_word_that_is_no_condition_says_what_there_is(typing: Typing, word: str) -> None:
    with pytest.raises(exceptions.CommandError, match="is no condition; there are provider"):
        typing(f"midwatch.flows @all {word}")


def marks(typing: Typing) -> list[str]:
    return [flow.marked for flow in typing.flows]


def test_marks_are_put_back_where_something_was_found_or_stopped(typing: Typing) -> None:
    typing("flow.mark @all false")
    typing("midwatch.mark @all")
    assert marks(typing) == ["", ":warning:", ":no_entry:", ""]


def test_calls_are_marked_by_conditions(typing: Typing) -> None:
    typing("flow.mark @all false")
    typing("midwatch.mark @all cost>1")
    assert marks(typing) == ["", "", "", ":mag:"]
    assert [typing.flows.index(flow) for flow in typing("view.flows.resolve @marked")] == [3]


def test_mitmproxys_own_filters_find_our_comments(typing: Typing) -> None:
    found = typing('view.flows.resolve "~comment pii/email | ~comment blocked"')
    assert [typing.flows.index(flow) for flow in found] == [1, 2]
    assert [typing.flows.index(flow) for flow in typing('view.flows.resolve "~marker no_entry"')] == [2]


def test_a_conversation_is_told_line_by_line(typing: Typing) -> None:
    lines = typing("midwatch.conversation @all")
    assert lines[0] == note_of(typing.flows[1]).line
    assert lines.count("  Hello.") == 3
    assert lines.count("  Hi") == 3


def test_what_is_no_call_has_no_conversation(reading: Reading) -> None:
    with pytest.raises(exceptions.CommandError, match="none of these"):
        Commands(reading).conversation([tflow.tflow(), tflow.ttcpflow()])

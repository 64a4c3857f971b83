"""Tools that ran, joined to the calls around them."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from midwatch_otel.ingest.joining import Joined, joined
from midwatch_otel.ingest.reading import read_request
from tests.plugins.otel.conftest import START_NS, request, span

CALL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "call_1"}
AGENT, OTHER_AGENT = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"


def at(seconds: int, number: int, attributes: dict[str, Any], **more: Any) -> Span:
    """A span of half a second that begins after so many."""
    begins = START_NS + seconds * 1_000_000_000
    return span(attributes, span_id=f"{number:016x}", start_ns=begins, lasts_ms=500, **more)


def found(*spans: Span) -> Joined:
    return joined(read_request(request(*spans)).spans)


def test_a_tool_belongs_to_the_call_that_reads_its_result() -> None:
    result = found(at(2, 2, TOOL), at(0, 1, CALL), at(4, 3, CALL), at(8, 4, CALL))
    assert (result.tools, result.lonely_tools) == (1, 0)
    assert [len(call.tool_spans) for call in result.calls] == [0, 1, 0]
    (tool,) = result.calls[1].tool_spans
    assert (tool.name, tool.call_id, tool.duration_ms, tool.failed) == ("weather", "call_1", 500.0, False)


def test_where_that_is_not_there_it_belongs_to_the_call_before() -> None:
    result = found(at(0, 1, CALL), at(2, 2, TOOL, failed="no"))
    assert [tool.failed for tool in result.calls[0].tool_spans] == [True]


def test_where_its_call_is_told_a_tool_is_left_to_its_result() -> None:
    part = '{"type": "tool_call", "id": "call_1", "name": "weather"}'
    answer = {"gen_ai.output.messages": f'[{{"role": "assistant", "parts": [{part}]}}]'}
    result = found(at(0, 1, CALL | answer), at(2, 2, TOOL))
    assert (result.tools, result.lonely_tools) == (0, 1)
    assert found(at(0, 1, CALL | answer), at(2, 2, TOOL), at(4, 3, CALL)).tools == 1


def test_an_agent_s_tools_stay_with_the_agent() -> None:
    result = found(
        at(0, 1, CALL, parent_id=AGENT),
        at(2, 2, TOOL, parent_id=AGENT),
        at(3, 3, CALL, parent_id=OTHER_AGENT),
        at(4, 4, CALL, parent_id=AGENT),
    )
    assert [len(call.tool_spans) for call in result.calls] == [0, 0, 1]


@pytest.mark.parametrize(
    "attributes",
    [
        {"openinference.span.kind": "TOOL", "tool.name": "weather"},
        {"traceloop.span.kind": "tool", "traceloop.entity.name": "weather"},
    ],
    ids=["openinference", "openllmetry"],
)
def test_tools_of_other_conventions_are_joined_too(attributes: dict[str, Any]) -> None:
    result = found(at(0, 1, CALL), at(2, 2, attributes))
    assert [tool.name for tool in result.calls[0].tool_spans] == ["weather"]


def test_a_tool_without_a_call_is_counted_and_nothing_else() -> None:
    result = found(at(0, 1, TOOL))
    assert (result.calls, result.tools, result.lonely_tools) == ((), 0, 1)


def test_a_call_has_a_bounded_number_of_tools() -> None:
    result = found(at(0, 1, CALL), *(at(2, number, TOOL) for number in range(2, 203)))
    assert len(result.calls[0].tool_spans) == 100
    assert result.lonely_tools == 101

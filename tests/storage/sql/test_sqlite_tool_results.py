"""The results of tools that a request repeats from turn to turn are kept once, as its texts are."""

from dataclasses import replace

import pytest

from midwatch_core import Exchange, FrameDecoder, ToolResult
from midwatch_core.testing.factories import make_exchange
from midwatch_sql.document import put_together, take_apart


def with_results(count: int) -> Exchange:
    exchange = make_exchange()
    results = tuple(
        ToolResult(call_id=f"call_{number:032}", path=f"/messages/{number}/content", failed=number == 1)
        for number in range(count)
    )
    return replace(exchange, request=replace(exchange.request, tool_results=results))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100])
def test_they_come_back(count: int) -> None:
    exchange = with_results(count)
    taken = take_apart(exchange)
    bodies = {key: piece.body for key, piece in taken.pieces.items()}
    assert put_together(taken.detail, lambda keys: {key: bodies[key] for key in keys}, FrameDecoder()) == exchange


def test_the_detail_does_not_grow_with_them() -> None:
    assert len(take_apart(with_results(800)).detail) < len(take_apart(with_results(15)).detail) + 2000

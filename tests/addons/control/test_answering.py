"""Answers: rows, one exchange, costs; and whatever is wrong with a question is said in the answer."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.control.answering import answer
from midwatch_core.queries import Queries
from midwatch_core.testing.factories import make_exchange
from midwatch_memory.traces import MemoryTraces

SENT = [make_exchange(), make_exchange(model="gpt-5"), make_exchange(tenant="acme")]


async def made() -> Queries:
    traces = MemoryTraces()
    await traces.start()
    await traces.put(SENT)
    return Queries(traces=traces)


@pytest.fixture
async def queries() -> Queries:
    return await made()


async def test_exchanges_page_by_page(queries: Queries) -> None:
    first = await answer(queries, {"op": "exchanges", "limit": 2})
    rest = await answer(queries, {"op": "exchanges", "limit": 2, "cursor": first["cursor"]})
    assert [row["id"] for row in (*first["rows"], *rest["rows"])] == [exchange.id for exchange in reversed(SENT)]
    assert rest["cursor"] is None


async def test_exchanges_are_filtered(queries: Queries) -> None:
    wanted = {"model": "gpt-5", "tenant": None, "since": SENT[0].started_at.isoformat()}
    found = await answer(queries, {"op": "exchanges", "filter": wanted})
    assert [row["id"] for row in found["rows"]] == [SENT[1].id]


async def test_one_exchange_is_plain_json(queries: Queries) -> None:
    found = await answer(queries, {"op": "exchange", "id": SENT[0].id})
    assert orjson.loads(orjson.dumps(found)) == {**found, "row": {**found["row"], "tools_called": [], "findings": []}}
    assert found["exchange"]["cost"]["amount"] == "0.000123"
    assert await answer(queries, {"op": "exchange", "id": "x"}) == {"exchange": None, "row": None}


async def test_a_trace_is_told_in_the_order_of_its_talk(queries: Queries) -> None:
    found = await answer(queries, {"op": "trace", "id": SENT[0].trace_id})
    assert [(row["id"], row["depth"], row["tool_spans"]) for row in found["rows"]] == [(SENT[0].id, 0, [])]
    assert found["cut"] is False
    assert (await answer(queries, {"op": "trace", "id": "x"}))["rows"] == []


async def test_costs(queries: Queries) -> None:
    found = await answer(queries, {"op": "costs", "by": ["tenant"]})
    assert {row["tenant"]: row["calls"] for row in found["rows"]} == {"default": 2, "acme": 1}
    (total,) = (await answer(queries, {"op": "costs"}))["rows"]
    assert (total["calls"], total["unpriced"]) == (3, 0)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({}, "no such question: None"),
        ({"op": "drop"}, "no such question: 'drop'"),
        ({"op": "exchange"}, "the question has no 'id'"),
        ({"op": "exchanges", "filter": {"colour": "red"}}, "no such filter: colour; there are agent, app"),
        ({"op": "exchanges", "filter": {"since": "once"}}, "Invalid isoformat"),
        ({"op": "exchanges", "limit": "many"}, "invalid literal"),
        ({"op": "exchanges", "cursor": "forged"}, "not a cursor"),
        ({"op": "costs", "by": ["colour"]}, "costs can't be grouped by colour; there are day, hour"),
    ],
)
async def test_an_error_is_an_answer(queries: Queries, question: dict[str, Any], says: str) -> None:
    assert (await answer(queries, question))["error"].startswith(says)


JSON: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.just({})
)


@given(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["exchanges", "exchange", "costs"])},
        optional=dict.fromkeys(("id", "limit", "cursor", "by", "filter"), JSON),
    )
)
async def test_any_question_has_an_answer(question: dict[str, Any]) -> None:
    assert isinstance(await answer(await made(), question), dict)

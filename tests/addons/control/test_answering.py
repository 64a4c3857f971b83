"""Answers: rows, one exchange, costs; and whatever is wrong with a question is said in the answer."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.control.answering import answer
from midwatch_core.model.triage import Triage, TriageState
from midwatch_core.queries import Queries
from midwatch_core.testing.factories import make_exchange
from midwatch_core.testing.findings_contract import found
from midwatch_memory.metadata import MemoryMetadata
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


async def test_findings_page_by_page_with_their_triage() -> None:
    traces, metadata = MemoryTraces(), MemoryMetadata()
    await traces.start()
    await metadata.start()
    await traces.put([make_exchange(findings=(found(number),)) for number in range(3)])
    judged = Triage(
        finding_id="finding-1",
        tenant="default",
        rule="pack/rule",
        state=TriageState.FALSE_POSITIVE,
        by="k1",
        at=SENT[0].started_at,
    )
    await metadata.keep_triage(judged)
    queries = Queries(traces=traces, metadata=metadata)
    first = await answer(queries, {"op": "findings", "limit": 2})
    rest = await answer(queries, {"op": "findings", "limit": 2, "cursor": first["cursor"]})
    assert [(row["id"], row["state"]) for row in (*first["rows"], *rest["rows"])] == [
        ("finding-2", "open"),
        ("finding-1", "false_positive"),
        ("finding-0", "open"),
    ]
    wanted = {"severity": "medium", "category": "secret", "tenant": None}
    found_open = await answer(queries, {"op": "findings", "filter": wanted, "state": "open"})
    assert [row["id"] for row in found_open["rows"]] == ["finding-2", "finding-0"]
    assert (await answer(queries, {"op": "findings", "filter": {"severity": "high"}}))["rows"] == []


async def test_findings_of_a_store_alone_say_nothing_of_triage(queries: Queries) -> None:
    await queries.traces.put([make_exchange(findings=(found(1),))])
    (row,) = (await answer(queries, {"op": "findings"}))["rows"]
    assert (row["id"], "state" in row) == ("finding-1", False)


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
        ({"op": "findings", "filter": {"session": "s"}}, "no such filter: session; there are action, agent, app"),
        ({"op": "findings", "filter": {"severity": "worst"}}, "'worst' is not a valid Severity"),
        ({"op": "findings", "cursor": "forged"}, "not a cursor"),
        ({"op": "findings", "state": "open"}, "triage is not known without control"),
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
        {"op": st.sampled_from(["exchanges", "exchange", "costs", "findings"])},
        optional=dict.fromkeys(("id", "limit", "cursor", "by", "filter", "state"), JSON),
    )
)
async def test_any_question_has_an_answer(question: dict[str, Any]) -> None:
    assert isinstance(await answer(await made(), question), dict)

"""A trace as an outline: the talk in one column, branches a step further in, tools with what brought their results."""

from midwatch_core.listing import row_of
from midwatch_core.ports import Scope
from midwatch_core.queries import Queries
from midwatch_core.threads.outline import lines_of
from midwatch_core.tool_spans import span_json
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_memory.traces import MemoryTraces
from tests.core.threads.talks import Talk
from tests.core.threads.test_threader import UNIQUE, ask, model, tool, user


def talked() -> Talk:
    """Work that sends a subagent, whose answer is asked for twice, and goes on."""
    talk = Talk(OpenAIChat(), session=UNIQUE)
    work = [user("do it"), model("I send one.", "call_0123456789ab"), tool("call_0123456789ab"), model("Done.")]
    errand = [user("you are sent"), model("I was."), user("and?")]
    ask(talk, work[:1], work[1])
    ask(talk, errand[:1], errand[1])
    ask(talk, errand, model("Nothing."))
    ask(talk, errand, model("Something."))
    ask(talk, work[:3], work[3])
    ask(talk, [*work, user("thanks")], model("Welcome."))
    return talk


def test_branches_are_told_before_the_talk_goes_on() -> None:
    talk = talked()
    lines = lines_of([row_of(exchange) for exchange in reversed(talk.said)])
    numbers = {exchange.id: number for number, exchange in enumerate(talk.said)}
    assert [(numbers[line.row.id], line.depth) for line in lines] == [(0, 0), (1, 1), (3, 2), (2, 1), (4, 0), (5, 0)]


def test_all_rows_are_told_once_also_where_the_beginning_is_not_there() -> None:
    talk = talked()
    lines = lines_of([row_of(exchange) for exchange in talk.said[2:]])
    assert sorted(line.row.id for line in lines) == sorted(exchange.id for exchange in talk.said[2:])


async def test_the_query_service_gives_a_trace_with_its_tools_inside_its_scope() -> None:
    talk, traces = talked(), MemoryTraces()
    await traces.start()
    await traces.put(talk.said)
    queries, trace_id = Queries(traces=traces), talk.said[0].trace_id
    outline = await queries.outline(trace_id)
    assert [len(line.row.tool_spans) for line in outline.lines] == [0, 0, 0, 0, 1, 0]
    (span,) = outline.lines[4].row.tool_spans
    assert (span.name, span.duration_ms) == ("task", 38_000.0)
    assert outline.lines[4].as_json()["tool_spans"] == [span_json(span)]
    assert not outline.cut
    assert (await queries.outline(trace_id, limit=2)).cut
    elsewhere = queries.within(Scope(tenants=frozenset({"other"})))
    assert (await elsewhere.outline(trace_id)).lines == ()
    await traces.close()

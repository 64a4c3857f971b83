"""After a restart conversations go on from what the store has."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from midwatch_core.model.thread import LinkedBy, Turn
from midwatch_core.testing.factories import conversation
from midwatch_core.threads import Threader, seed
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_memory.traces import MemoryTraces
from tests.core.threads.talks import Talk
from tests.core.threads.test_threader import ask, model, tool, user


@pytest.fixture
async def traces() -> AsyncIterator[MemoryTraces]:
    traces = MemoryTraces()
    await traces.start()
    yield traces
    await traces.close()


async def test_a_conversation_goes_on_after_a_restart(traces: MemoryTraces) -> None:
    *before, after = (replace(item, trace_id=item.id) for item in conversation(6, characters=40))
    threader = Threader()
    stored = [threader.thread(item) for item in before]
    await traces.put(stored)
    fresh = Threader()
    assert await seed(fresh, traces, lambda: 0.0) == 5
    threaded = fresh.thread(after)
    assert threaded.trace_id == stored[0].trace_id
    assert threaded.thread is not None
    assert (threaded.thread.linked_by, threaded.thread.turn) == (LinkedBy.CHAIN, Turn.NEXT)
    assert threaded.thread.parent_id == stored[-1].id


async def test_a_tool_that_has_its_span_gets_no_second_one_and_one_that_runs_gets_it(traces: MemoryTraces) -> None:
    talk = Talk(OpenAIChat())
    work = [user("do it"), model("", "call_0123456789ab"), tool("call_0123456789ab"), model("", "call_0123456789cd")]
    ask(talk, work[:1], work[1])
    ask(talk, work[:3], work[3])
    await traces.put(talk.said)
    talk.threader = Threader()
    await seed(talk.threader, traces, lambda: 0.0)
    assert ask(talk, work[:3], model("again")).tool_spans == ()
    (span,) = ask(talk, [*work, tool("call_0123456789cd")], model("Done.")).tool_spans
    assert span.called_by == talk.said[1].id


async def test_a_store_that_is_slow_is_not_read_to_its_end(traces: MemoryTraces) -> None:
    ticks = itertools.count()
    await traces.put(list(conversation(20, characters=10)))
    assert await seed(Threader(), traces, lambda: next(ticks) / 4) == 4

"""The live feed: rows from now on, to all; a slow listener loses its own oldest, a gone one costs nothing."""

import asyncio

from midwatch.control.live import Live
from midwatch_core.testing.factories import make_exchange


async def test_all_listeners_hear_what_is_stored_from_now_on() -> None:
    live = Live()
    live.publish([make_exchange()])
    async with live.subscribe() as one, live.subscribe() as other:
        sent = [make_exchange(), make_exchange()]
        live.publish(sent)
        for rows in (one, other):
            assert [(await anext(rows)).id for _ in sent] == [exchange.id for exchange in sent]


async def test_a_slow_listener_loses_its_oldest_rows_and_no_one_elses() -> None:
    live = Live()
    sent = [make_exchange() for _ in range(1500)]
    async with live.subscribe() as slow:
        for exchange in sent:
            live.publish([exchange])
        async with live.subscribe() as quick:
            live.publish(sent[:1])
            assert (await anext(quick)).id == sent[0].id
        assert [(await anext(slow)).id for _ in range(1000)] == [exchange.id for exchange in [*sent[501:], sent[0]]]


async def test_a_listener_that_left_is_forgotten() -> None:
    live = Live()
    async with live.subscribe():
        assert len(live._queues) == 1
    async with live.subscribe() as rows:
        task = asyncio.ensure_future(anext(rows))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not live._queues

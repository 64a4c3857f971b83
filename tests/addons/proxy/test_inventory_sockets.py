"""Calls on a WebSocket are told to the inventory, one by one."""

from tests.addons.proxy.conftest import Watch
from tests.addons.proxy.talk import Talk, answer, create


async def test_each_call_on_a_socket_is_told_with_whose_it_is(watch: Watch) -> None:
    talk = Talk.begin(watch)
    assert watch.called == []
    for _ in range(2):
        await talk.asks(create("Hi"))
        await talk.answers(*answer("Hello."))
    assert watch.called == [("api.openai.com", "default")] * 2

"""Messages of a WebSocket as the events of an answer."""

import pytest

from midwatch_core.wire import messages
from midwatch_core.wire.framing import framer_for
from midwatch_core.wire.messages import MessageFramer
from midwatch_core.wire.socket import MESSAGES


def test_a_message_is_an_event_whatever_is_in_it() -> None:
    framer = framer_for(MESSAGES, asked_to_stream=True, head=b"")
    assert isinstance(framer, MessageFramer)
    assert framer.feed(b'{"a":\n\n1}') == [("", b'{"a":\n\n1}')]
    assert framer.feed(b"") == framer.close() == []
    assert not framer.overflowed


def test_a_message_above_the_bound_is_dropped_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_EVENT_BYTES", 8)
    framer = MessageFramer()
    assert framer.feed(b"123456789") == []
    assert framer.overflowed
    assert framer.feed(b"12345678") == [("", b"12345678")]

"""The guard of a socket: what one message brought holds for the calls that read it later."""

from typing import Any

import orjson
import pytest

from midwatch_core.enforcement import SocketGuard
from midwatch_core.enforcement import socket as guarding
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action
from midwatch_core.testing.factories import make_exchange
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.refusal import Refusal
from tests.core.enforcement.calls import ATTACKS, CHAT, MAIL, MAILS, REDACT, SEALER, TARGET, Broken, chat, enforcer

BLOCK = "{id: stop, when: {category: prompt_injection, direction: request}, then: block}"
CLOSED = "{id: mails, when: {category: pii}, then: redact, on_failure: block}"


class Talking:
    """A socket of which texts come first, and calls that read them later."""

    def __init__(self, *lines: str, detectors: Any = (MAILS, ATTACKS)) -> None:
        self.socket = SocketGuard(enforcer(*lines, detectors=detectors), CHAT, SEALER.segments)

    def opened(self, body: dict[str, Any]) -> Exchange:
        decoded = SEALER.hashed(decode_request(CHAT, orjson.dumps(body), TARGET))
        return make_exchange(request=decoded.request, response=None)

    async def says(self, text: str) -> bytes:
        """A message that begins no call: what goes out."""
        opened = self.opened(chat(text))
        guard = self.socket.guard(opened)
        assert guard is not None
        ruled = await guard.request(orjson.dumps(chat(text)))
        if ruled.refusal is None:
            self.socket.passed(guard, opened.request.segments)
            self.socket.note(guard)
        return ruled.body

    async def asks(self, *texts: str) -> tuple[Refusal | None, Exchange]:
        """A call that reads texts: why it may not go out, and its record."""
        opened = self.opened({"model": "m", "messages": [{"role": "user", "content": text} for text in texts]})
        guard = self.socket.guard(opened)
        assert guard is not None
        return await self.socket.reads(guard), guard.on(opened)


async def test_what_was_redacted_in_a_message_is_so_on_record_with_the_call() -> None:
    talking = Talking(CLOSED)
    assert MAIL.encode() not in await talking.says(f"I am {MAIL}")
    refusal, exchange = await talking.asks("Hello", f"I am {MAIL}")
    assert refusal is None
    assert [(item.action, item.reason) for item in exchange.verdicts] == [(Action.REDACT, None)]
    assert MAIL not in repr(exchange.request)


@pytest.mark.parametrize(("line", "refused"), [(REDACT, False), (CLOSED, True)])
async def test_a_text_that_no_message_brought_can_only_be_refused_or_passed(line: str, refused: bool) -> None:
    refusal, exchange = await Talking(line).asks(f"heard: {MAIL}")
    assert (refusal is not None) is refused
    assert all("not redacted" in str(item.reason) for item in exchange.verdicts if item.reason)
    assert exchange.action is (Action.BLOCK if refused else Action.FLAG)


async def test_values_of_earlier_messages_are_known_to_later_calls() -> None:
    talking = Talking(REDACT)
    await talking.says(f"I am {MAIL}")
    guard = talking.socket.guard(talking.opened(chat("Who am I?")))
    assert guard is not None
    assert list(guard.restorable.values()) == [MAIL]
    assert guard.edits_answers


async def test_a_call_that_reads_what_is_blocked_may_not_go_out() -> None:
    refusal, exchange = await Talking(BLOCK).asks("an attack")
    assert refusal is not None
    assert refusal.code == "blocked_by_policy"
    assert exchange.action is Action.BLOCK


async def test_what_could_not_be_looked_at_is_told_with_the_next_call_and_once() -> None:
    talking = Talking(REDACT, detectors=(Broken(),))
    await talking.says("one")
    _, first = await talking.asks()
    _, second = await talking.asks()
    assert ["detectors failed" in str(item.reason) for item in first.verdicts] == [True]
    assert second.verdicts == ()


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "_MOST_TEXTS", 2)
    monkeypatch.setattr(guarding, "_MOST_VALUES", 2)
    talking = Talking(REDACT)
    for name in "abc":
        await talking.says(f"I am {name}@example.org")
    guard = talking.socket.guard(talking.opened(chat("Hi")))
    assert guard is not None
    assert sorted(guard.restorable.values()) == ["b@example.org", "c@example.org"]
    refusal, exchange = await talking.asks("I am a@example.org", "I am c@example.org")
    assert refusal is None
    assert "not redacted" in str([item.reason for item in exchange.verdicts])

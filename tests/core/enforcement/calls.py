"""A call under guard, with detectors and a policy of the test's own: what the tests of this room start from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from midwatch_core import Detection, Part, Severity, Text, hookimpl
from midwatch_core.clock import SystemClock
from midwatch_core.enforcement import CallGuard, Enforcer
from midwatch_core.engine import Engine
from midwatch_core.hosting import Plugins
from midwatch_core.model.exchange import Exchange
from midwatch_core.policy import Policy
from midwatch_core.sealing import Sealer
from midwatch_core.testing.factories import make_exchange
from midwatch_core.wire.decoding import decode_request, decode_response
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.target import Target

MAIL = "bob@example.org"
TARGET = Target(host="api.openai.com", path="/v1/chat/completions")
REDACT = "{id: mails, when: {category: pii}, then: redact}"
SEALER = Sealer(b"key", "default")
CHAT = OpenAIChat()


class Finds:
    """Finds a pattern; `kind` makes it a value."""

    def __init__(self, pattern: str, category: str, kind: str = "", severity: Severity = Severity.HIGH) -> None:
        self._pattern, self._category, self._kind, self._severity = re.compile(pattern), category, kind, severity

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        return [
            Detection(
                rule=f"t/{self._category}",
                category=self._category,
                severity=self._severity,
                confidence=0.9,
                message="Something",
                start=found.start(),
                end=found.end(),
                kind=self._kind,
            )
            for found in self._pattern.finditer(text.original)
        ]


class Broken:
    """Fails at every text."""

    @hookimpl
    def inspect_text(self) -> list[Detection]:
        raise RuntimeError("no")


MAILS = Finds(r"[\w.]+@[\w.]*\w", "pii", "EMAIL")
ATTACKS = Finds("attack", "prompt_injection")


def policy(*lines: str) -> Policy:
    return Policy.load(f"policy: {{id: p}}\nlines: [{', '.join(lines)}]\n".encode(), "p")


def enforcer(*lines: str, detectors: Sequence[object] = (MAILS, ATTACKS)) -> Enforcer:
    plugins = Plugins()
    for number, detector in enumerate(detectors):
        plugins.add(f"d{number}", lambda detector=detector: detector)  # type: ignore[misc]
    plugins.activate({})
    return Enforcer(engine=Engine(plugins), policy=policy(*lines), key=b"key", clock=SystemClock())


@dataclass(frozen=True)
class Guarded:
    """A guard, the body it is about, and the call as the worker knows it."""

    guard: CallGuard
    body: bytes
    exchange: Exchange

    def recorded(self, answer: bytes = b"") -> Exchange:
        """The exchange as it goes to the journal, answered by `answer`."""
        exchange = self.exchange
        if answer:
            decoded = decode_response(OpenAIChat(), answer, 200)
            exchange = make_exchange(request=exchange.request, response=SEALER.response(decoded))
        return self.guard.on(exchange)


def guarded(
    body: dict[str, Any] | bytes,
    *lines: str,
    detectors: Sequence[object] = (MAILS, ATTACKS),
    dialect: Dialect = CHAT,
    under: Enforcer | None = None,
    target: Target = TARGET,
) -> Guarded:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    decoded = SEALER.hashed(decode_request(dialect, data, target))
    exchange = make_exchange(request=decoded.request, response=None)
    made = (under or enforcer(*lines, detectors=detectors)).guard(exchange, dialect, SEALER.segments)
    assert made is not None
    return Guarded(made, data, exchange)


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def answer(text: str, **message: Any) -> bytes:
    said = {"role": "assistant", "content": text, **message}
    return orjson.dumps({"id": "c1", "choices": [{"index": 0, "finish_reason": "stop", "message": said}]})

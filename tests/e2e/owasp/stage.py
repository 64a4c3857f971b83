"""The stage: plays a case's calls by real clients through a guarded house, and tells what each side got of it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import anthropic
import httpx
import openai

from midwatch_core.model.finding import Action
from tests.e2e.owasp.case import REPEAT, Ask, Case, escaped
from tests.e2e.talking import Said, Told

# Where each line of the strict policy meets an attack, and so what may come of it.
BEFORE = frozenset({"injections-stopped", "runaway-calls", "grave-requests"})
REDACTING = frozenset({"secrets-out", "personal-data-out"})
AFTER = frozenset({"dangerous-tool-calls", "leaking-answers", "grave-answers"})
RECORDING = "record-the-rest"
_FILTERED = ("content_filter", "refusal")
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z0-9_]*_[0-9a-z]{4,}>")


@dataclass(slots=True, kw_only=True)
class Played:
    """One call: what the client sent, what the provider received (nothing, or a body), what the client got."""

    ask: Ask
    streamed: bool
    trace: str = field(default_factory=lambda: secrets.token_hex(16))
    sent: bytes = b""
    received: list[bytes] = field(default_factory=list)
    said: Said = field(default_factory=Said)
    told: Told | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is kept of a call."""

    id: str
    action: str
    findings: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    text: str

    def of(self, action: Action, line: str) -> list[dict[str, Any]]:
        """The findings that `line` ruled `action` for."""
        named = {
            name
            for item in self.verdicts
            if (item["action"], item["policy_line"], item["dry_run"]) == (action, line, False)
            for name in item["findings"]
        }
        return [item for item in self.findings if item["id"] in named]


class Stage:
    """A house under the strict policy with an OpenAI and an Anthropic client; their retries are on, as shipped."""

    def __init__(self, house: Any, world: Any) -> None:
        self.house = house
        self.world = world
        self._sent = b""
        web = {"proxy": house.proxy, "verify": house.trust(), "timeout": 60.0, "event_hooks": {"request": [self._note]}}
        self.openai = openai.OpenAI(api_key="sk-e2e", http_client=openai.DefaultHttpxClient(**web))
        self.anthropic = anthropic.Anthropic(api_key="sk-ant-e2e", http_client=anthropic.DefaultHttpxClient(**web))

    @classmethod
    @contextmanager
    def on(cls, house: Any, world: Any) -> Iterator[Stage]:
        """A stage whose clients are closed at the end."""
        stage = cls(house, world)
        with stage.openai, stage.anthropic:
            yield stage

    def play(self, ask: Ask, *, streamed: bool) -> Played:
        """Make the call, and wait for all that comes of it."""
        played = Played(ask=ask, streamed=streamed)
        try:
            played.said = getattr(self, f"_{ask.kind}")(ask, streamed, self._headers(played))
        except openai.PermissionDeniedError as error:
            played.told = Told(status=error.status_code, code=str(error.code), request_id=error.request_id or "")
        except anthropic.PermissionDeniedError as error:
            body: Any = error.body
            code = body["error"]["code"]
            played.told = Told(status=error.status_code, code=code, request_id=error.request_id or "")
        played.sent = self._sent
        played.received = [item.body for item in self.world.providers.received if item.id == played.trace]
        return played

    def record(self, played: Played) -> Record:
        """What is kept of it."""
        row = self.house.row(played.trace)
        whole = self.house.ask({"op": "exchange", "id": row["id"]})["exchange"]
        verdicts = [{**item, "action": Action(item["action"])} for item in whole["verdicts"]]
        return Record(
            id=row["id"],
            action=row["action"],
            findings=whole["findings"],
            verdicts=verdicts,
            text=json.dumps(whole, ensure_ascii=False),
        )

    def check(self, case: Case, owasp: str) -> None:
        """The attack and its twin, whole and streamed."""
        ways = (False,) if case.attack.kind == "embeddings" else (False, True)
        attacks = [self.play(case.attack, streamed=way) for way in ways]
        twins = [self.play(case.twin, streamed=way) for way in ways]
        for played in attacks:
            met(case, owasp, played, self.record(played))
        for played in twins:
            harmless(played, self.record(played))

    def _note(self, request: httpx.Request) -> None:
        self._sent = request.content

    def _headers(self, played: Played) -> dict[str, str]:
        ask = played.ask
        script = {"arguments": json.dumps(ask.arguments)} if ask.arguments else {"answer": ask.answer}
        told = ",".join(f"{key}={quote(value)}" for key, value in script.items() if value)
        trace = {"traceparent": f"00-{played.trace}-{secrets.token_hex(8)}-01", "x-sim-id": played.trace}
        # Each call is another agent's: one that asked the same again and again would be told to go in a circle.
        trace["x-midwatch-agent"] = played.trace
        return {**trace, **({"x-sim": told} if told else {})}

    def _chat(self, ask: Ask, streamed: bool, headers: dict[str, str]) -> Said:
        create: Any = self.openai.chat.completions.create
        answer = create(**ask.body, stream=streamed, extra_headers=headers)
        if not streamed:
            choice = answer.choices[0]
            calls = choice.message.tool_calls or []
            arguments = "".join(call.function.arguments for call in calls)
            return Said(text=choice.message.content or "", arguments=arguments, finish=choice.finish_reason)
        choices = [choice for chunk in answer for choice in chunk.choices if choice.index == 0]
        calls = [call for choice in choices for call in choice.delta.tool_calls or ()]
        return Said(
            text="".join(choice.delta.content or "" for choice in choices),
            arguments="".join(call.function.arguments or "" for call in calls if call.function),
            finish=choices[-1].finish_reason,
        )

    def _messages(self, ask: Ask, streamed: bool, headers: dict[str, str]) -> Said:
        create: Any = self.anthropic.messages.create
        answer = create(**ask.body, stream=streamed, extra_headers=headers)
        if not streamed:
            calls = [block.input for block in answer.content if block.type == "tool_use"]
            text = "".join(block.text for block in answer.content if block.type == "text")
            return Said(text=text, arguments="".join(map(json.dumps, calls)), finish=answer.stop_reason)
        events = list(answer)
        deltas = [event.delta for event in events if event.type == "content_block_delta"]
        (last,) = (event.delta for event in events if event.type == "message_delta")
        return Said(
            text="".join(delta.text for delta in deltas if delta.type == "text_delta"),
            arguments="".join(delta.partial_json for delta in deltas if delta.type == "input_json_delta"),
            finish=last.stop_reason,
        )

    def _embeddings(self, ask: Ask, _streamed: bool, headers: dict[str, str]) -> Said:
        answer = self.openai.embeddings.create(**ask.body, extra_headers=headers)
        assert len(answer.data) == len(ask.body["input"])
        return Said()


def met(case: Case, owasp: str, played: Played, record: Record) -> None:
    """An attack was met as its line says."""
    if case.line in BEFORE:
        _refused(played, record)
        assert played.received == []
        action = Action.BLOCK
    elif case.line in REDACTING:
        _redacted(case, played, record)
        action = Action.REDACT
    elif case.line in AFTER:
        _withheld(case, played, record)
        action = Action.CUT if case.line in ("leaking-answers", "grave-answers") else Action.BLOCK
    else:
        _passed(played)
        action = Action.FLAG
    assert record.action == action.name.lower(), record.findings
    found = record.of(action, case.line)
    assert any(owasp in item["owasp"] for item in found), (case.line, record.verdicts, record.findings)


def harmless(played: Played, record: Record) -> None:
    """A benign call passed as it was, and nothing was done about it but, at most, putting it on record."""
    assert record.action in ("allow", "flag"), record.findings
    _passed(played)


def _passed(played: Played) -> None:
    assert played.told is None
    assert played.received == [played.sent]
    ask = played.ask
    if ask.arguments:
        assert json.loads(played.said.arguments) == ask.arguments
    elif ask.answer:
        assert played.said.text == ask.answer
    assert played.said.finish not in _FILTERED


def _refused(played: Played, record: Record) -> None:
    assert played.told == Told(status=403, code="blocked_by_policy", request_id=record.id)
    assert played.said == Said()


def _redacted(case: Case, played: Played, record: Record) -> None:
    """What the client sent, the provider never had and the client has again; what the model said, nobody has."""
    assert played.told is None
    assert len(played.received) == 1
    (body,) = played.received
    for form in (case.secret, escaped(case.secret)):
        assert form not in body.decode()
        assert form not in record.text
    if case.secret in played.ask.answer:
        assert body == played.sent
        assert case.secret not in played.said.text
        assert _PLACEHOLDER.search(played.said.text)
        return
    assert _PLACEHOLDER.search(body.decode())
    if played.ask.kind == "chat" and not played.ask.answer:
        asked: str = played.ask.body["messages"][0]["content"]
        assert played.said.text == asked.removeprefix(REPEAT)


def _withheld(case: Case, played: Played, record: Record) -> None:
    """The provider was asked, and the client got none of the attack: an error, or a stream that ends in order."""
    assert played.received == [played.sent]
    ask, said = played.ask, played.said
    if not played.streamed:
        _refused(played, record)
        return
    assert played.told is None
    assert said.finish in _FILTERED
    assert said.arguments in ("", "{", "{}")
    if ask.arguments:
        return
    attack = case.secret or ask.answer
    before, _, after = ask.answer.partition(attack)
    assert (before + attack).startswith(said.text)
    assert attack not in said.text
    assert after.strip() == "" or after not in said.text

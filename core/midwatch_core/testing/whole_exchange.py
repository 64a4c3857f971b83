"""An exchange with something in every field, and texts that are hard to keep: for suites of repositories."""

from dataclasses import replace
from datetime import timedelta

from midwatch_core.model.content import Json, ProviderError, ToolCall, ToolResult
from midwatch_core.model.exchange import Exchange, Transport
from midwatch_core.model.finding import Action, Finding, Severity, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Direction, Part
from midwatch_core.model.thread import LinkedBy, Thread, ToolSpan, Turn
from midwatch_core.model.timing import Gaps, Timing
from midwatch_core.testing.factories import BEGINNING, make_cost, make_exchange, make_request, make_response

HARD_TEXTS = (
    "",
    "NUL \0 in \0 the middle\0",
    "naïve 漢字 🦉 \u202b\u05e2\u05d1 é ﷽ \u2028\u2029\ufeff\ufffd\U0010ffff",
    "\x1b[31m\r\n\t\x7f\x85",
    '"$text" {"$omitted": 3} \\u0000 \\',
    "x" * 100_000,
)


def everything() -> Exchange:
    """An exchange with something in every field."""
    finding = Finding(
        id="f1",
        rule="pack/rule",
        category="secret",
        severity=Severity.HIGH,
        confidence=0.75,
        message="a key",
        owasp=("LLM02:2025",),
        direction=Direction.RESPONSE,
        part=Part.TOOL_CALL,
        path="/choices/0",
        start=3,
        end=9,
        evidence="sk-…",
        plugin="rules",
    )
    body: Json = {
        "messages": [{"$text": "no hash of ours"}],
        "n": 1,
        "deep": [[{"a/b~c": [1.5, None, True]}]],
    }
    request = replace(
        make_request([("user", text) for text in HARD_TEXTS]),
        body=body,
        stream=True,
        tools=("read", "write"),
        parameters={"seed": 12345678901234567890123, "stop": ["\0", "é"]},
        previous_response_id="resp_1",
        conversation_id="c",
        tool_results=(ToolResult(call_id=None, path="/messages/1", name="read", failed=True),),
        decode_error="not JSON at byte 7",
    )
    response = replace(
        make_response("\0"),
        tool_calls=(ToolCall(id=None, name="read", path="/choices/0"),),
        service_tier="flex",
        error=ProviderError(type="overloaded", message="try\nlater"),
        complete=False,
    )
    return make_exchange(
        request=request,
        response=response,
        identity=Identity(
            tenant="default",
            key_id="k",
            agent="a",
            app="b",
            user="ü",
            client="::1",
            user_agent="x/1",
            learned_from={"app": "header"},
        ),
        transport=Transport.SSE,
        streamed=True,
        status=529,
        error="client disconnected",
        timing=Timing(ttft_ms=0.1, duration_ms=1e6, gaps=Gaps(count=3, mean_ms=1.5, p50_ms=1, p95_ms=2, max_ms=9)),
        cost=replace(make_cost("0.10"), lines=make_cost("0.1234567890123456789").lines),
        findings=(finding,),
        verdicts=(Verdict(action=Action.FLAG, findings=("f1",), policy_line="secrets: flag"),),
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        inspected=(Direction.REQUEST,),
        classified=(Direction.REQUEST,),
        session="s\0é",
        thread=Thread(linked_by=LinkedBy.CHAIN, turn=Turn.COMPACTION, parent_id="the one before"),
        tool_spans=tuple(_tool_span(number) for number in range(9)),
    )


def _tool_span(number: int) -> ToolSpan:
    return ToolSpan(
        call_id=f"call_{number}" if number else None,
        name="read",
        called_by="the one before",
        started_at=BEGINNING,
        ended_at=BEGINNING + timedelta(microseconds=number),
        path=f"/messages/{number}",
        failed=bool(number % 2),
    )

"""Loops are found by what is done and what it brings; waiting, working and retrying are none."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from benchmarks.anomalies.agents import Agent
from midwatch_anomaly.looping.telling import alert_of, finding_of
from midwatch_anomaly.loops import Circle, LoopLimits, Loops
from midwatch_core import Direction, Exchange, Operation, Severity, ToolCall
from midwatch_core.testing import make_exchange
from midwatch_core.threads import Threader
from tests.core.threads.talks import Talk
from tests.core.threads.test_threading_recordings import DIALECTS, talks, threaded
from tests.core.wire.recordings import ABSENT


@pytest.fixture
def agent() -> Agent:
    made = Agent(Threader())
    made.told("Make the tests pass")
    return made


def circles(exchanges: Iterable[Exchange], loops: Loops | None = None) -> list[Circle | None]:
    loops = loops or Loops()
    return [loops.take(exchange) for exchange in exchanges]


def reads(
    agent: Agent, times: int, *, brings: Callable[[int], str] = lambda _: "x = 1", **how: Any
) -> Iterator[Exchange]:
    for number in range(times):
        yield agent.calls("read", {"path": "a.py", "lines": 3}, brings=brings(number), **how)


def test_the_fifth_call_of_a_tool_that_brings_the_same_is_a_loop_and_is_new_once(agent: Agent) -> None:
    found = circles(reads(agent, 7))
    assert found[:4] == [None] * 4
    assert [(one.count, one.is_new, one.tools) for one in found[4:] if one] == [
        (5, True, ("read",)),
        (6, False, ("read",)),
        (7, False, ("read",)),
    ]


def test_a_loop_tells_since_when_and_what_it_has_cost(agent: Agent) -> None:
    began_s = agent.at.timestamp()
    circle = circles(reads(agent, 6))[-1]
    assert circle is not None
    assert circle.since_s == began_s
    assert circle.cost_usd == pytest.approx(6 * 0.002)


def test_arguments_are_the_same_whatever_the_order_of_their_keys(agent: Agent) -> None:
    exchanges = []
    for _ in range(3):
        exchanges.append(agent.calls("read", {"path": "a", "lines": 3}, brings="x"))
        exchanges.append(agent.calls("read", {"lines": 3, "path": "a"}, brings="x"))
    assert circles(exchanges)[4] is not None


@pytest.mark.parametrize(("cycle", "found_at"), [(1, 5), (2, 8), (3, 9)])
def test_cycles_of_up_to_three_steps_are_loops(agent: Agent, cycle: int, found_at: int) -> None:
    exchanges = [agent.calls("run", {"n": number % cycle}, brings=f"{number % cycle}") for number in range(12)]
    first = next(number for number, circle in enumerate(circles(exchanges), 1) if circle)
    assert first == found_at


def test_calls_side_by_side_in_one_answer_are_one_step(agent: Agent) -> None:
    def both(number: int) -> dict[str, Any]:
        calls = [
            {"id": f"call_{number}_{name}_long", "type": "function", "function": {"name": name, "arguments": "{}"}}
            for name in "abcd"
        ]
        return {"role": "assistant", "content": None, "tool_calls": calls}

    exchanges = []
    for number in range(5):
        exchanges.append(agent.asks(both(number)))
        agent.history += [
            {"role": "tool", "tool_call_id": f"call_{number}_{name}_long", "content": "x"} for name in "abcd"
        ]
    assert circles(exchanges)[-1] is not None


def test_work_between_two_calls_is_no_loop(agent: Agent) -> None:
    exchanges = []
    for number in range(12):
        exchanges.append(agent.calls("edit", {"text": f"line {number}"}, brings="done"))
        exchanges.append(agent.calls("test", {}, brings="1 failed"))
    assert not any(circles(exchanges))


def test_what_brings_something_else_each_time_is_none_until_it_is_far_too_often(agent: Agent) -> None:
    found = circles(reads(agent, 30, brings=lambda number: f"{number} %"))
    assert next(number for number, circle in enumerate(found, 1) if circle) == 25


def test_polling_with_waits_is_none(agent: Agent) -> None:
    assert not any(circles(reads(agent, 40, brings=lambda _: "still running", wait_s=30)))


def test_a_slow_repetition_is_none(agent: Agent) -> None:
    assert not any(circles(reads(agent, 20, wait_s=300)))


def test_another_call_ends_a_loop_and_the_next_one_is_new(agent: Agent) -> None:
    exchanges = [*reads(agent, 5), agent.calls("write", {}, brings="ok"), *reads(agent, 5)]
    assert [circle.is_new for circle in circles(exchanges) if circle] == [True, True]


def test_the_same_question_with_the_same_answer_in_one_conversation_is_a_loop(agent: Agent) -> None:
    exchanges = []
    for _ in range(5):
        agent.told("Go on.")
        exchanges.append(agent.says("I can't."))
    found = circles(exchanges)
    assert [circle.tools if circle else None for circle in found] == [None, None, None, None, ()]


def test_different_questions_with_the_same_answer_are_none(agent: Agent) -> None:
    exchanges = []
    for number in range(12):
        agent.told(f"Is {number} a prime?")
        exchanges.append(agent.says("No."))
    assert not any(circles(exchanges))


def test_one_request_asked_again_as_soon_as_it_is_answered_is_a_loop(agent: Agent) -> None:
    found = circles(_same(agent, 6, wait_s=1))
    assert [(circle.count, circle.is_new, circle.tools) for circle in found if circle] == [
        (5, True, ()),
        (6, False, ()),
    ]


def test_one_request_asked_again_with_waits_is_a_health_check(agent: Agent) -> None:
    assert not any(circles(_same(agent, 20, wait_s=30)))


def test_answers_asked_for_at_once_are_none(agent: Agent) -> None:
    assert not any(circles(_same(agent, 20, wait_s=-2)))


def test_what_is_tried_again_after_an_error_is_none(agent: Agent) -> None:
    assert not any(circles(replace(exchange, status=429) for exchange in _same(agent, 20, wait_s=1)))


def _same(agent: Agent, times: int, *, wait_s: float) -> Iterator[Exchange]:
    for _ in range(times):
        yield agent.says("no")
        agent.history.pop()
        agent.at += timedelta(seconds=wait_s)


def test_subagents_that_begin_alike_are_none(agent: Agent) -> None:
    """Each has a history of its own, and reads the same file first."""
    exchanges = [agent.calls("task", {"count": 8}, brings="…")]
    for number in range(8):
        sub = Agent(agent.threader, at=agent.at)
        sub.told(f"Look into part {number}")
        exchanges.append(sub.calls("read", {"path": "README.md"}, brings="# Readme"))
        agent.at = sub.at
    assert not any(circles(exchanges))


def test_agents_that_do_the_same_at_the_same_time_are_told_apart() -> None:
    loops, threader = Loops(), Threader()
    agents = [Agent(threader, tenant=tenant) for tenant in ("a", "b", "c")]
    for agent in agents:
        agent.told(f"I am {agent.tenant}")
    found = [loops.take(agent.calls("read", {}, brings="x")) for _ in range(4) for agent in agents]
    assert not any(found)


def test_a_tools_server_called_again_and_again_is_a_loop() -> None:
    base = make_exchange(trace_id="session-1")
    request = replace(base.request, operation=Operation.EXECUTE_TOOL, tools=("search",))
    calls = [
        replace(base, id=str(number), request=request, started_at=base.started_at + timedelta(seconds=3 * number))
        for number in range(5)
    ]
    assert [bool(circle) for circle in circles(calls)] == [False] * 4 + [True]
    twice = [call for call in calls[:4] for _ in range(2)]
    assert not any(circles(twice))


def _on_server(times: int, *, apart_s: float = 3, **changes: Any) -> list[Exchange]:
    """Calls of a tools' server that are all alike, each a trace of its own."""
    base = make_exchange()
    request = replace(base.request, operation=Operation.EXECUTE_TOOL, tools=("search",))
    return [
        replace(
            base,
            **{
                "id": f"call-{number}",
                "trace_id": f"{number:032x}",
                "traceparent": f"00-{number:032x}-00000000000000a1-01",
                "request": request,
                "started_at": base.started_at + timedelta(seconds=apart_s * number),
                **changes,
            },
        )
        for number in range(1, times + 1)
    ]


@pytest.mark.parametrize("session", [None, "session-1"])
def test_a_tools_server_called_in_a_trace_each_is_a_loop_when_it_is_far_too_often(session: str | None) -> None:
    found = circles(_on_server(30, session=session))
    assert [circle.count for circle in found if circle] == [25, 26, 27, 28, 29, 30]
    assert found[:24] == [None] * 24


def test_traces_of_several_calls_of_a_server_tell_conversations_apart() -> None:
    firsts, seconds = _on_server(60), _on_server(60)
    pairs = [
        call
        for first, second in zip(firsts, seconds, strict=True)
        for call in (first, replace(second, id=f"{second.id}b", started_at=second.started_at + timedelta(seconds=1)))
    ]
    assert not any(circles(pairs))


def test_calls_of_a_server_in_a_trace_each_that_nobody_is_named_for_are_left_alone() -> None:
    base = make_exchange()
    nobody = replace(base.identity, agent=None)
    assert not any(circles(_on_server(60, identity=nobody)))


def test_polling_of_a_server_in_a_trace_each_is_none() -> None:
    assert not any(circles(_on_server(60, apart_s=15)))


def _traced(agent: Agent) -> Agent:
    agent.traced = True
    return agent


def test_a_loop_is_found_where_each_call_is_a_trace_of_its_own(agent: Agent) -> None:
    exchanges = list(reads(_traced(agent), 7))
    assert len({exchange.trace_id for exchange in exchanges}) == 7
    assert [circle.count if circle else None for circle in circles(exchanges)] == [None] * 4 + [5, 6, 7]


def test_so_it_is_where_the_answer_is_in_words(agent: Agent) -> None:
    exchanges = []
    for _ in range(5):
        _traced(agent).told("Go on.")
        exchanges.append(agent.says("I can't."))
    assert [bool(circle) for circle in circles(exchanges)] == [False] * 4 + [True]


def test_so_it_is_where_calls_have_no_ids_of_their_own(agent: Agent) -> None:
    """Then by all that was said, whatever the order of the arguments."""
    exchanges = list(reads(_traced(agent), 5))
    without = [_without_ids(exchange) for exchange in exchanges]
    assert [bool(circle) for circle in circles(without)] == [False] * 4 + [True]


def _without_ids(exchange: Exchange) -> Exchange:
    assert exchange.response is not None
    results = tuple(replace(item, call_id=None) for item in exchange.request.tool_results)
    calls = tuple(replace(item, id=None) for item in exchange.response.tool_calls)
    return replace(
        exchange,
        request=replace(exchange.request, tool_results=results),
        response=replace(exchange.response, tool_calls=calls),
    )


def test_so_it_is_where_the_provider_keeps_the_history(agent: Agent) -> None:
    exchanges = []
    for number, exchange in enumerate(map(_without_ids, reads(_traced(agent), 5))):
        assert exchange.response is not None
        news = replace(exchange.request, segments=exchange.request.segments[-1:], previous_response_id=f"r{number - 1}")
        exchanges.append(replace(exchange, request=news, response=replace(exchange.response, id=f"r{number}")))
    assert [bool(circle) for circle in circles(exchanges)] == [False] * 4 + [True]


def test_agents_that_begin_alike_in_traces_of_their_own_are_none(agent: Agent) -> None:
    exchanges = []
    for number in range(8):
        sub = _traced(Agent(agent.threader, at=agent.at))
        sub.told(f"Look into part {number}")
        exchanges.append(sub.calls("read", {"path": "README.md"}, brings="# Readme"))
        exchanges.append(sub.says("Done."))
        agent.at = sub.at
    assert not any(circles(exchanges))


def test_what_one_client_said_is_no_history_of_another(agent: Agent) -> None:
    exchanges = [
        replace(exchange, identity=replace(exchange.identity, client=f"10.0.0.{number % 2}"))
        for number, exchange in enumerate(reads(_traced(agent), 12))
    ]
    assert not any(circles(exchanges))


def test_an_exchange_that_comes_twice_counts_once(agent: Agent) -> None:
    assert not any(circles([exchange for exchange in reads(agent, 4) for _ in range(2)]))


def test_what_is_remembered_is_bounded() -> None:
    loops = Loops(most=50)
    for number in range(300):
        loops.take(make_exchange(messages=(("user", f"question {number}"),)))
    assert loops.remembered == 50 + 100


def test_what_next_requests_may_repeat_is_bounded_too(agent: Agent) -> None:
    loops = Loops(most=10)
    circles(reads(_traced(agent), 200), loops)
    assert loops.remembered == 1 + 20 + 20


def test_arguments_that_are_no_json_and_calls_without_any_are_taken_as_they_are() -> None:
    base = make_exchange()
    assert base.response is not None
    calls = (ToolCall(id=None, name="x" * 500, path="/nowhere"), ToolCall(id=None, name="y", path="/nowhere"))
    assert circles([replace(base, response=replace(base.response, tool_calls=calls))]) == [None]


def test_loops_can_be_left_alone(agent: Agent) -> None:
    assert not any(circles(reads(agent, 20), Loops(LoopLimits(enabled=False))))


def test_a_finding_and_an_alert_say_what_goes_on(agent: Agent) -> None:
    exchanges = list(reads(agent, 5))
    circle = circles(exchanges)[-1]
    assert circle is not None
    finding, alert = finding_of(circle), alert_of(circle, exchanges[-1], agent.at)
    assert (finding.rule, finding.category, finding.severity) == ("anomaly/loop-tool", "anomaly", Severity.MEDIUM)
    assert (finding.direction, finding.owasp) == (Direction.RESPONSE, ("LLM10:2025",))
    assert alert.title == "Agent coder goes in a circle: the same call of read"
    assert alert.fingerprint == "anomaly:acme:agent:coder:loop-tool"
    assert alert.details == {
        "repeats": "5",
        "since": exchanges[0].started_at.isoformat(timespec="seconds"),
        "cost_usd": "0.0100",
        "model": "gpt-5-mini",
        "trace": exchanges[-1].trace_id,
        "exchange": exchanges[-1].id,
    }
    assert (alert.count, alert.expires_at) == (5, agent.at + timedelta(minutes=10))


def test_recorded_conversations_have_no_loops() -> None:
    calls = 0
    for _, recordings in talks():
        talk, loops = Talk(next(iter(DIALECTS.values()))), Loops()
        for recording in recordings:
            calls += 1
            assert loops.take(threaded(talk, recording)) is None
    if not calls:
        pytest.skip(ABSENT)

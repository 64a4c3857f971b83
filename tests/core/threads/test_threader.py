"""What tells a conversation, what makes a branch or a compaction, and what the threader never does."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import Operation
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.model.thread import LinkedBy, Thread, Turn
from midwatch_core.testing.factories import conversation
from midwatch_core.threads import Threader
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from tests.core.threads.talks import Talk, places, traces
from tests.core.wire.wire_checks import anything

UNIQUE = "0199c0de-5e55-7000-8000-000000000001"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
type Messages = list[Any]


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def model(text: str, *ids: str) -> Any:
    calls = [{"id": id_, "type": "function", "function": {"name": "task", "arguments": "{}"}} for id_ in ids]
    return {"role": "assistant", "content": text} | ({"tool_calls": calls} if calls else {})


def tool(id_: str, text: str = "done") -> Any:
    return {"role": "tool", "tool_call_id": id_, "content": text}


def ask(talk: Talk, messages: Messages, answer: Any, **changes: Any) -> Exchange:
    choice = {"index": 0, "message": answer, "finish_reason": "tool_calls" if "tool_calls" in answer else "stop"}
    return talk.call({"model": "m", "messages": messages}, {"choices": [choice]}, **changes)


@pytest.fixture
def talk() -> Talk:
    return Talk(OpenAIChat())


@pytest.fixture
def session() -> Talk:
    return Talk(OpenAIChat(), session=UNIQUE)


def test_an_equal_first_question_alone_is_no_link(talk: Talk) -> None:
    ask(talk, [user("hi")], model("Hello."))
    ask(talk, [user("hi")], model("Good day."))
    ask(talk, [user("hi"), model("Hello."), user("and?")], model("And what?"))
    assert traces(talk) == [0, 1, 0]
    assert places(talk)[2] == ("chain", "next", 0)


def test_runs_that_say_the_same_are_told_apart_by_the_ids_of_their_calls(talk: Talk) -> None:
    for number in (1, 2):
        ask(talk, [user("do it"), model("I look.")][:1], model("I look.", f"call_0123456789a{number}"))
    work = [user("do it"), model("I look.", "call_0123456789a1"), tool("call_0123456789a1")]
    ask(talk, work, model("Done."))
    assert traces(talk) == [0, 1, 0]


def test_of_runs_that_are_alike_each_goes_on_once(talk: Talk) -> None:
    start = [user("hi"), model("Hello.")]
    ask(talk, start[:1], start[1])
    ask(talk, start[:1], start[1])
    ask(talk, [*start, user("one")], model("1"))
    ask(talk, [*start, user("two")], model("2"))
    assert traces(talk) == [0, 1, 1, 0]
    assert [turn for _, turn, _ in places(talk)] == ["first", "first", "next", "next"]


def test_what_a_client_adds_to_the_last_question_for_once_is_no_other_history(talk: Talk) -> None:
    def said(*texts: str) -> Any:
        return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}

    ask(talk, [said("hi", "<system-reminder>The list is empty.</system-reminder>")], model("Hello."))
    ask(
        talk,
        [user("hi"), model("Hello."), said("Open file: a.py", "what is it?")],
        model("It is a parser of dates " * 3),
    )
    ask(
        talk,
        [user("hi"), model("Hello."), user("what is it?"), model("It is a parser of dates " * 3), user("good")],
        model("."),
    )
    assert places(talk)[1:] == [("chain", "next", 0), ("chain", "next", 1)]


def test_an_answer_asked_for_again_and_a_question_edited_are_branches(talk: Talk) -> None:
    start = [user("hi"), model("Hello.")]
    ask(talk, start[:1], start[1])
    ask(talk, [*start, user("a joke")], model("Knock knock."))
    ask(talk, [*start, user("a joke")], model("Another one."))
    ask(talk, [*start, user("a poem")], model("Roses."))
    ask(talk, [*start, user("a poem"), model("Roses."), user("more")], model("Violets."))
    assert traces(talk) == [0] * 5
    assert [(turn, parent) for _, turn, parent in places(talk)] == [
        ("first", None),
        ("next", 0),
        ("branch", 0),
        ("branch", 0),
        ("next", 3),
    ]


def test_a_call_that_failed_and_is_made_again_is_no_branch(talk: Talk) -> None:
    start = [user("hi"), model("Hello."), user("more")]
    ask(talk, start[:1], start[1])
    talk.call({"model": "m", "messages": start}, {"error": {"message": "overloaded"}}, status=503)
    ask(talk, start, model("Here."))
    assert places(talk)[1:] == [("chain", "next", 0), ("chain", "next", 0)]


@pytest.mark.parametrize(("client", "tenant"), [("10.0.0.8", "default"), ("10.0.0.7", "other")])
def test_the_chain_is_of_one_tenant_and_one_client(talk: Talk, client: str, tenant: str) -> None:
    ask(talk, [user("hi")], model("Hello."))
    stranger = Talk(OpenAIChat(), threader=talk.threader, client=client, tenant=tenant)
    found = ask(stranger, [user("hi"), model("Hello."), user("and?")], model("What?"))
    assert found.thread == Thread()
    assert found.trace_id == found.id


def test_a_session_is_one_trace_whatever_is_said_in_it(session: Talk) -> None:
    ask(session, [user("a title for this")], model("Title"))
    ask(session, [user("hi")], model("Hello."))
    ask(session, [user("hi"), model("Hello."), user("more")], model("More."), identity=Identity(client="10.9.9.9"))
    ask(session, [user("hi")], model("Hello again."))
    assert traces(session) == [0] * 4
    assert places(session) == [
        ("session", "first", None),
        ("session", "first", None),
        ("session", "next", 1),
        ("session", "branch", None),
    ]


def test_a_session_has_the_same_trace_after_all_was_forgotten(session: Talk) -> None:
    first = ask(session, [user("hi")], model("Hello."))
    session.threader = Threader()
    assert ask(session, [user("hi")], model("Hello.")).trace_id == first.trace_id
    session.tenant = "other"
    assert ask(session, [user("hi")], model("Hello.")).trace_id != first.trace_id


def test_a_session_with_a_name_that_anybody_might_use_is_of_one_client(talk: Talk) -> None:
    one = ask(talk, [user("hi")], model("Hello."), session="1")
    other = ask(talk, [user("hi")], model("Hello."), session="1", identity=Identity(client="10.9.9.9"))
    assert one.trace_id != other.trace_id


def test_a_traceparent_comes_before_a_session_and_the_chain(session: Talk) -> None:
    parent = f"00-{TRACE}-00f067aa0ba902b7-01"
    ask(session, [user("hi")], model("Hello."), traceparent=parent, trace_id=TRACE)
    found = ask(session, [user("hi"), model("Hello."), user("more")], model("M"), traceparent=parent, trace_id=TRACE)
    assert found.trace_id == TRACE
    assert places(session) == [("traceparent", "first", None), ("traceparent", "next", 0)]
    session.session = None
    ask(session, [user("hi"), model("Hello."), user("more"), model("M"), user("go on")], model("And on."))
    assert places(session)[2] == ("chain", "next", 1)
    assert traces(session) == [0, 0, 0]


def test_what_the_provider_keeps_is_followed_by_its_ids() -> None:
    talk = Talk(OpenAIResponses())

    def say(answer_id: str, text: str, **members: Any) -> None:
        output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]
        talk.call({"model": "m", "input": "go on", **members}, {"id": answer_id, "output": output})

    say("resp_1", "one")
    say("resp_2", "two", previous_response_id="resp_1")
    say("resp_3", "three", previous_response_id="resp_1")
    say("resp_4", "four", conversation="conv_1")
    say("resp_5", "five", conversation={"id": "conv_1"})
    assert traces(talk) == [0, 0, 0, 1, 1]
    assert [(linked, turn, parent) for linked, turn, parent in places(talk)][:4] == [
        ("alone", "first", None),
        ("response", "next", 0),
        ("response", "branch", 0),
        ("response", "first", None),
    ]


def test_a_socket_that_is_warmed_up_is_nothing_to_go_on_from_where_there_is_better() -> None:
    """Codex warms each of its sockets up, also one on which an older conversation is taken up."""
    talk = Talk(OpenAIResponses(), session=UNIQUE)
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "It is noon."}]}
    asked = [{"role": "user", "content": "when?"}]

    def say(given: Messages, answer_id: str, output: Messages, **members: Any) -> None:
        talk.call({"model": "m", "input": given, **members}, {"id": answer_id, "output": output})

    say([], "resp_1", [], generate=False)
    say(asked, "resp_2", [message], previous_response_id="resp_1")
    say([], "resp_3", [], generate=False)
    say([*asked, message, {"role": "user", "content": "thanks"}], "resp_4", [], previous_response_id="resp_3")
    assert places(talk) == [
        ("session", "first", None),
        ("session", "next", 0),
        ("session", "first", None),
        ("session", "next", 1),
    ]


def test_a_subagent_is_a_branch_of_the_call_that_waits_for_it(session: Talk) -> None:
    work = [user("do it"), model("I send one.", "call_0123456789ab")]
    ask(session, work[:1], work[1])
    errand = [user("you are sent"), model("looked", "call_0123456789cd")]
    ask(session, errand[:1], errand[1])
    ask(session, [*errand, tool("call_0123456789cd")], model("I found it."))
    ask(session, [*work, tool("call_0123456789ab")], model("It is done."))
    assert [(turn, parent) for _, turn, parent in places(session)] == [
        ("first", None),
        ("branch", 0),
        ("next", 1),
        ("next", 0),
    ]
    assert [len(exchange.tool_spans) for exchange in session.said] == [0, 0, 1, 1]


SUMMARY = """<analysis>
Let me go through the conversation, from its beginning.
</analysis>

<summary>
1. Primary request: rewrite the parser of dates.
2. Files: parser.py has a function parse_date, and it is wrong.
3. Pending: the test of the leap year still fails.
4. Next step: look at February in parser.py again.
</summary>"""


def test_what_claude_code_tells_in_short_is_a_compaction(session: Talk) -> None:
    talk = [user("fix the dates"), model("Fixed."), user("summarise all this")]
    ask(session, talk[:1], talk[1])
    ask(session, talk, model(SUMMARY))
    told = SUMMARY.partition("<summary>\n")[2].partition("\n</summary>")[0]
    begins = user(f"This session is being continued from a previous conversation.\n\nSummary:\n{told}\n\nGo on.")
    ask(session, [begins], model("On I go."))
    ask(session, [begins, model("On I go."), user("well?")], model("Well."))
    assert places(session)[2:] == [("session", "compaction", 1), ("session", "next", 2)]


def test_what_codex_tells_in_short_is_a_compaction(session: Talk) -> None:
    summary = "The user wants dates parsed. I rewrote parse_date and now run its tests."
    talk = [user("fix the dates"), model("I do."), user("and the tests"), model("Those too."), user("hand over")]
    ask(session, talk[:1], talk[1])
    ask(session, talk, model(summary))
    kept = [user("fix the dates"), user("and the tests"), user(f"Another model began this:\n{summary}")]
    ask(session, [*kept, user("go on")], model("I go on."))
    assert places(session)[2] == ("session", "compaction", 1)


def test_the_first_request_after_a_compacting_call_is_a_compaction(session: Talk) -> None:
    ask(session, [user("hi")], model("Hello."))
    history = [user("hi"), model("Hello.")]
    made = session.made({"model": "m", "messages": history}, {"choices": [{"message": model("")}]})
    made = replace(made, request=replace(made.request, operation=Operation.COMPACT))
    session.said.append(session.threader.thread(made))
    ask(session, [user("hi"), user("go on")], model("On."))
    ask(session, [user("hi"), user("go on"), model("On."), user("more")], model("More."))
    assert places(session)[1:] == [("session", "next", 0), ("session", "compaction", 1), ("session", "next", 2)]


def test_a_history_that_lost_its_beginning_is_a_compaction(session: Talk) -> None:
    talk = [user("one"), model("1"), user("two"), model("2"), user("three"), model("3"), user("four")]
    for turn in (1, 3, 5):
        ask(session, talk[:turn], talk[turn])
    ask(session, talk[4:], model("4"))
    assert places(session)[3] == ("session", "compaction", 2)


def test_a_short_answer_is_no_witness_where_there_is_a_better_one(session: Talk) -> None:
    ask(session, [user("one")], model("It is the first of many things to say."))
    ask(session, [user("other work")], model("Done."))
    unseen = [user("one"), model("It is the first of many things to say."), user("two"), model("Done."), user("three")]
    ask(session, unseen, model("Well."))
    assert places(session)[2] == ("session", "next", 0)


def test_a_first_message_that_its_client_writes_anew_each_time_breaks_no_session(session: Talk) -> None:
    one, two = (f"Answer {number}, long enough to be known again wherever it stands." for number in (1, 2))
    ask(session, [user("it is 9:00; hi")], model(one))
    ask(session, [user("it is 9:01; hi"), model(one), user("more")], model(two))
    ask(session, [user("it is 9:02; hi"), model(one), user("more"), model(two), user("and more")], model("No."))
    assert [(turn, parent) for _, turn, parent in places(session)] == [("first", None), ("next", 0), ("next", 1)]


def test_an_exchange_that_comes_twice_gets_the_same_twice(session: Talk) -> None:
    work = [user("do it"), model("", "call_0123456789ab")]
    ask(session, work[:1], work[1])
    made = session.made({"model": "m", "messages": [*work, tool("call_0123456789ab")]}, {"choices": []})
    assert session.threader.thread(made) == session.threader.thread(made)
    assert len(session.threader.thread(made).tool_spans) == 1


def test_a_child_that_comes_before_its_parent_stands_alone_or_in_its_session(talk: Talk, session: Talk) -> None:
    for one, alone in ((talk, True), (session, False)):
        parent = one.made({"model": "m", "messages": [user("hi")]}, {"choices": [{"message": model("Hello.")}]})
        child = ask(one, [user("hi"), model("Hello."), user("more")], model("More."))
        parent = one.threader.thread(parent)
        assert (child.trace_id == child.id) is alone
        assert (parent.trace_id == child.trace_id) is not alone
        assert parent.thread is not None
        assert parent.thread.turn is Turn.FIRST


def test_what_was_threaded_before_is_kept_as_it_is(talk: Talk) -> None:
    thread = Thread(linked_by=LinkedBy.SESSION, turn=Turn.BRANCH, parent_id="gone")
    found = ask(talk, [user("hi")], model("Hello."), thread=thread, trace_id="t")
    assert found.thread == thread
    ask(talk, [user("hi"), model("Hello."), user("more")], model("More."))
    assert traces(talk) == [0, 0]


def test_a_short_id_of_a_call_is_no_witness_across_traces(talk: Talk) -> None:
    work = [user("do it"), model("", "call_1")]
    ask(talk, work[:1], work[1])
    ask(talk, [user("other work"), model("", "call_1"), tool("call_1")], model("done"))
    assert traces(talk) == [0, 1]
    assert talk.said[1].tool_spans == ()


def test_it_remembers_no_more_than_its_capacity_and_who_has_most_forgets_first() -> None:
    threader = Threader(capacity=40)
    small = next(conversation(1, tenant="small", seed=1))
    threader.thread(replace(small, trace_id=small.id))
    for seed in range(60):
        (one,) = conversation(1, tenant="large", seed=seed)
        threader.thread(one)
    assert threader.remembered <= 40
    *_, later = conversation(2, tenant="small", seed=1)
    found = threader.thread(replace(later, trace_id=later.id)).thread
    assert found is not None
    assert found.parent_id == small.id


def test_a_conversation_of_two_hundred_turns_is_one_trace() -> None:
    threader = Threader()
    threaded = [threader.thread(replace(item, trace_id=item.id)) for item in conversation(200, characters=20)]
    assert len({item.trace_id for item in threaded}) == 1
    assert Counter(item.thread.turn for item in threaded if item.thread) == {Turn.FIRST: 1, Turn.NEXT: 199}


@given(st.lists(anything, max_size=3), anything)
def test_nothing_that_a_client_sends_raises(messages: Messages, answer: Any) -> None:
    talk = Talk(OpenAIChat(), session="s")
    for _ in range(2):
        talk.call({"messages": messages, "tools": messages}, {"choices": [{"message": answer}]})

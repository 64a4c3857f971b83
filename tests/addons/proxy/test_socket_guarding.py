"""Policy on sockets: messages are redacted or refused before they go out, answers edited and cut as they come."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mitmproxy.test import taddons
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from midwatch.lean.patch import PatchSet
from midwatch.lean.socket_asides import SOCKET_ASIDES
from midwatch.proxy.governing.metering import Unguarded
from midwatch.proxy.sockets.answer import SocketAnswer
from midwatch_core import Detection, Exchange, Part, Severity, Text, hookimpl
from midwatch_core.call import Call, Opening
from midwatch_core.clock import SystemClock
from midwatch_core.config import Config
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.model.segment import Direction
from midwatch_core.testing.factories import make_exchange
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.editing.editor import TextFilter
from midwatch_core.wire.target import Target
from tests.addons.proxy.conftest import Watch
from tests.addons.proxy.talk import Talk, answer, create, item_of, realtime_answer, text_of

WORD = "Mellon"
POLICY = """
policy: {{id: test}}
lines:
  - {{id: stop, when: {{{direction}category: word}}, then: {then}, on_failure: {on_failure}}}
  - {{id: rest, then: flag}}
"""
REALTIME = "/v1/realtime?model=gpt-realtime"
ASK = {"type": "response.create"}
HEARD = "conversation.item.input_audio_transcription"


class Sees:
    """Finds the word in any text, as something to hide; breaks at another."""

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        if "breaks" in text.original:
            raise RuntimeError("it broke")
        at = text.original.find(WORD)
        if at < 0:
            return []
        return [
            Detection(
                rule="test/word",
                category="word",
                severity=Severity.HIGH,
                confidence=1.0,
                message="The word",
                start=at,
                end=at + len(WORD),
                kind="WORD",
            )
        ]


type Make = Callable[..., Talk]


@pytest.fixture(autouse=True)
def asides() -> Iterator[None]:
    patches = PatchSet([SOCKET_ASIDES])
    patches.apply()
    yield
    patches.revert()


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Watch] = []

    def talk(path: str = "/v1/responses", **line: Any) -> Talk:
        config = Config.model_validate(line.pop("config", {}))
        given = {"direction": "direction: request, ", "then": "redact", "on_failure": "pass", **line}
        policy = POLICY.format(**given).encode()
        made.append(Watch(tmp_path / f"journal{len(made)}", detectors=[Sees()], policy=policy, config=config))
        return Talk.begin(made[-1], path)

    with taddons.context():
        yield talk
    for one in made:
        await asyncio.to_thread(one.close)


def journalled(talk: Talk) -> list[Exchange]:
    """What was written; no value that policy hides stands in it."""
    exchanges = talk.watch.journalled()
    assert WORD not in repr(exchanges)
    return exchanges


def hidden(talk: Talk) -> str:
    """What stands for the word at the server."""
    told = repr(talk.at_server)
    assert WORD not in told
    return told[told.index("<WORD_") : told.index(">") + 1]


async def test_a_message_that_may_not_go_out_is_answered_in_the_providers_place(make: Make) -> None:
    talk = make(then="block")
    await talk.asks(create(f"Speak, {WORD}!"))
    assert talk.at_server == []
    (told,) = talk.at_client
    assert (told["type"], told["status"], told["error"]["code"]) == ("error", 403, "blocked_by_policy")
    (exchange,) = talk.watch.journalled()
    assert (exchange.action, exchange.status) == (Action.BLOCK, 403)
    assert told["error"]["request_id"] == exchange.id
    await talk.asks(create("Friend"))
    await talk.answers(*answer("Enter."))
    (exchange,) = talk.watch.journalled()
    assert (exchange.action, exchange.status) == (Action.ALLOW, 101)
    assert text_of(talk.at_client) == "Enter."


async def test_a_value_is_hidden_from_the_provider_and_put_back_for_the_client(make: Make) -> None:
    talk = make()
    await talk.asks(create(f"I am {WORD}."))
    name = hidden(talk)
    await talk.answers(*answer("Welcome, ", name[:3], f"{name[3:]} of", " old."))
    assert text_of(talk.at_client) == f"Welcome, {WORD} of old."
    assert talk.at_client[-1]["response"]["output"][0]["content"][0]["text"] == f"Welcome, {WORD} of old."
    (exchange,) = journalled(talk)
    assert exchange.action is Action.REDACT
    assert exchange.response is not None
    assert [item.text for item in exchange.request.segments] == [f"I am {name}."]
    assert [item.text for item in exchange.response.segments] == [f"Welcome, {name} of old."]


@pytest.mark.parametrize("linked", [True, False])
async def test_a_later_call_on_the_socket_has_it_back_too(make: Make, linked: bool) -> None:
    talk = make()
    await talk.asks(create(f"I am {WORD}."))
    name = hidden(talk)
    await talk.answers(*answer("Hm."))
    await talk.asks(create("Who am I?", **({"previous_response_id": "resp_1"} if linked else {})))
    talk.at_client.clear()
    await talk.answers(*answer(f"You are {name}.", number=2))
    assert text_of(talk.at_client) == f"You are {WORD}."
    assert [item.action for item in journalled(talk)] == [Action.REDACT, Action.ALLOW]


async def test_an_answer_is_redacted_and_what_was_held_comes_before_its_end(make: Make) -> None:
    talk = make(direction="direction: response, ")
    await talk.asks(create())
    await talk.answers(*answer("Say Mel", "lon"))
    said = text_of(talk.at_client)
    assert said.startswith("Say <WORD_")
    kinds = [item["type"] for item in talk.at_client]
    assert kinds.index("response.output_text.done") > max(
        index for index, kind in enumerate(kinds) if kind.endswith(".delta")
    )
    assert talk.at_client[-1]["response"]["output"][0]["content"][0]["text"] == said
    (exchange,) = journalled(talk)
    assert exchange.action is Action.REDACT


async def test_an_answer_that_is_fine_keeps_its_bytes(make: Make) -> None:
    talk = make(direction="direction: response, ", then="cut")
    await talk.asks(create())
    for event in answer("Fri", "end."):
        told = orjson.dumps(event, option=orjson.OPT_INDENT_2)
        assert (await talk.relay(told, from_client=False)).content == told


async def test_an_answer_is_cut_in_order_and_the_rest_of_it_goes_nowhere(make: Make) -> None:
    talk = make(direction="direction: response, ", then="cut")
    await talk.asks(create())
    await talk.answers(*answer("Say ", f"{WORD} and enter."))
    assert text_of(talk.at_client) == "Say "
    assert talk.at_client[-1]["type"] == "response.incomplete"
    (exchange,) = talk.watch.journalled()
    assert (exchange.action, exchange.error) == (Action.CUT, None)
    talk.at_client.clear()
    await talk.asks(create("Again"))
    await talk.answers(*answer("Friend.", number=2))
    assert text_of(talk.at_client) == "Friend."
    assert [item.action for item in talk.watch.journalled()] == [Action.ALLOW]


async def test_a_realtime_answer_that_is_cut_is_cancelled_at_the_provider(make: Make) -> None:
    talk = make(REALTIME, direction="direction: response, ", then="cut")
    await talk.asks(item_of("Hi"), ASK)
    talk.at_server.clear()
    await talk.answers(*realtime_answer("Say ", f"{WORD}."))
    assert talk.at_server == [{"type": "response.cancel", "response_id": "resp_1"}]
    assert text_of(talk.at_client) == "Say "
    assert talk.at_client[-1]["type"] == "response.done"


async def test_an_item_is_redacted_and_is_on_record_with_the_call_that_reads_it(make: Make) -> None:
    talk = make(REALTIME)
    await talk.asks(item_of(f"I am {WORD}."))
    name = hidden(talk)
    await talk.asks(ASK)
    await talk.answers(*realtime_answer(f"Welcome, {name}."))
    assert text_of(talk.at_client) == f"Welcome, {WORD}."
    (exchange,) = journalled(talk)
    assert [item.text for item in exchange.request.segments] == [f"I am {name}."]
    assert [item.rule for item in exchange.findings] == ["test/word"]
    assert [(item.action, item.reason) for item in exchange.verdicts] == [(Action.REDACT, None)]
    talk.at_client.clear()
    await talk.asks(item_of("Who am I?"), ASK)
    await talk.answers(*realtime_answer(f"You are {name}.", number=2))
    assert text_of(talk.at_client) == f"You are {WORD}."
    assert len(journalled(talk)) == 1


async def test_settings_that_hold_for_many_calls_are_redacted_once(make: Make) -> None:
    talk = make(REALTIME)
    await talk.asks({"type": "session.update", "session": {"type": "realtime", "instructions": f"You are {WORD}."}})
    assert hidden(talk)
    for number in (1, 2):
        await talk.asks(ASK)
        await talk.answers(*realtime_answer("Yes.", number=number))
    for exchange in journalled(talk):
        assert [(item.action, item.reason) for item in exchange.verdicts] == [(Action.REDACT, None)]


async def test_an_item_that_may_not_go_out_is_forgotten_and_does_not_stop_the_next_call(make: Make) -> None:
    talk = make(REALTIME, then="block")
    await talk.asks(item_of(f"Speak, {WORD}!"))
    assert talk.at_server == []
    assert talk.at_client[0]["type"] == "error"
    (refused,) = talk.watch.journalled()
    assert (refused.action, refused.status) == (Action.BLOCK, 403)
    await talk.asks(item_of("Friend"), ASK)
    await talk.answers(*realtime_answer("Enter."))
    (exchange,) = talk.watch.journalled()
    assert [item.text for item in exchange.request.segments] == ["Friend"]
    assert exchange.action is Action.ALLOW


async def test_a_call_that_the_server_began_on_what_it_heard_is_turned_away(make: Make) -> None:
    talk = make(REALTIME, then="block")
    await talk.answers(
        {"type": f"{HEARD}.completed", "item_id": "item_9", "content_index": 0, "transcript": f"Speak, {WORD}!"}
    )
    talk.at_client.clear()
    await talk.answers(*realtime_answer("I did."))
    assert [item["type"] for item in talk.at_client] == ["error"]
    assert talk.at_server == [{"type": "response.cancel", "response_id": "resp_1"}]
    assert [item.action for item in talk.watch.journalled()] == [Action.ALLOW, Action.BLOCK]


async def test_what_was_heard_and_cannot_be_redacted_is_said_so(make: Make) -> None:
    talk = make(REALTIME)
    await talk.answers(
        {"type": f"{HEARD}.completed", "item_id": "item_9", "content_index": 0, "transcript": f"I am {WORD}."}
    )
    await talk.answers(*realtime_answer("Hm."))
    _, exchange = talk.watch.journalled()
    assert [item.action for item in exchange.verdicts] == [Action.FLAG]
    assert "not redacted" in str(exchange.verdicts[0].reason)
    assert WORD not in repr([item.text for item in exchange.request.segments])


@pytest.mark.parametrize(("on_failure", "action"), [("pass", Action.ALLOW), ("block", Action.BLOCK)])
async def test_a_detector_that_fails_is_passed_over_or_closes_the_way(
    make: Make, on_failure: str, action: Action
) -> None:
    talk = make(on_failure=on_failure)
    await talk.asks(create("it breaks"))
    assert bool(talk.at_server) is (on_failure == "pass")
    talk.ends(by_client=True)
    (exchange,) = talk.watch.journalled()
    assert exchange.action is action
    assert "detectors failed" in str([item.reason for item in exchange.verdicts])


@pytest.mark.parametrize("on_failure", ["pass", "block"])
async def test_a_message_too_large_to_be_inspected(make: Make, on_failure: str) -> None:
    talk = make(on_failure=on_failure, config={"max_inspect_bytes": 100})
    await talk.asks(create("x" * 200))
    assert bool(talk.at_server) is (on_failure == "pass")
    talk.ends(by_client=True)
    (exchange,) = talk.watch.journalled()
    assert "oversize" in str([item.reason for item in exchange.verdicts])


@pytest.mark.parametrize("on_failure", ["pass", "block"])
async def test_a_detector_that_fails_in_the_middle_of_an_answer(make: Make, on_failure: str) -> None:
    talk = make(direction="direction: response, ", on_failure=on_failure)
    await talk.asks(create())
    await talk.answers(*answer("It ", "breaks."))
    assert text_of(talk.at_client) == ("It breaks." if on_failure == "pass" else "It ")
    (exchange,) = talk.watch.journalled()
    assert "detectors failed" in str([item.reason for item in exchange.verdicts])


class Breaks(Unguarded):
    """Rules that can't be asked; what is done then is `action`."""

    def __init__(self, action: Action) -> None:
        super().__init__(SystemClock())
        self._action = action

    def answer_filter(self, path: str, part: Part, json: bool) -> TextFilter:
        raise RuntimeError("it broke")

    def failed(self, direction: Direction, reason: str) -> Verdict:
        return Verdict(action=self._action, reason=reason)


@pytest.mark.parametrize("action", [Action.ALLOW, Action.BLOCK], ids=["pass", "block"])
async def test_an_error_of_ours_in_the_middle_of_an_answer(make: Make, action: Action) -> None:
    talk = make()
    dialect = OpenAIResponses()
    decoded = decode_request(dialect, b"{}", Target(host="api.openai.com", path="/v1/responses"))
    opened = make_exchange()
    call = Call(
        Opening(
            id="c",
            started_at=opened.started_at,
            began_s=0.0,
            endpoint=opened.endpoint,
            identity=opened.identity,
            dialect=dialect,
            decoded=decoded,
        )
    )
    guard, metrics = talk.watch.guard, talk.watch.metrics
    edited = SocketAnswer(call, dialect, Breaks(action), None, guard=guard, metrics=metrics)
    messages = [orjson.dumps(event) for event in answer("One ", "two.")]
    assert [edited(message, 1.0) for message in messages[:2]] == [[message] for message in messages[:2]]
    out = edited(messages[2], 2.0)
    assert edited.cut is (action is Action.BLOCK)
    if edited.cut:
        assert orjson.loads(out[0])["error"]["code"] == "inspection_failed"
    else:
        assert [edited(message, 3.0) for message in messages[3:]] == [[message] for message in messages[3:]]
        assert call.due


async def test_a_client_that_leaves_while_its_message_is_ruled_on(make: Make) -> None:
    talk = make()
    assert talk.flow.websocket is not None
    content = orjson.dumps(create(f"I am {WORD}."))
    talk.flow.websocket.messages.append(WebSocketMessage(Opcode.TEXT, True, content))
    ruling = talk.watch.sockets.websocket_message(talk.flow)
    talk.watch.sockets.client_disconnected(talk.flow.client_conn)
    assert ruling is not None
    await ruling
    (exchange,) = journalled(talk)
    assert (exchange.error, exchange.action) == ("client disconnected", Action.REDACT)


UNLIMITED = Config.model_validate({"limits": []})
LIMIT = {"limits": [{"id": "few", "requests_per_s": 0.01, "burst": 1}]}


async def test_a_call_beyond_its_limit_is_refused_and_the_socket_lives_on(make: Make) -> None:
    talk = make(then="flag", config=LIMIT)
    await talk.asks(create("One"))
    await talk.answers(*answer("First."))
    await talk.asks(create("Two"))
    assert talk.at_server == [create("One")]
    told = talk.at_client[-1]
    assert (told["type"], told["status"]) == ("error", 429)
    assert "few" in told["error"]["message"]
    first, second = talk.watch.journalled()
    assert (first.status, second.status, second.action) == (101, 429, Action.BLOCK)


async def test_a_call_of_the_servers_own_beyond_its_limit_is_cancelled(make: Make) -> None:
    talk = make(REALTIME, then="flag", config=LIMIT)
    await talk.answers(*realtime_answer("One."), *realtime_answer("Two.", number=2))
    assert talk.at_server == [{"type": "response.cancel", "response_id": "resp_2"}]
    assert text_of(talk.at_client) == "One."
    assert [item.status for item in talk.watch.journalled()] == [101, 429]


async def test_an_open_ended_answer_is_cut_when_its_budget_is_spent(make: Make) -> None:
    limits = [{"id": "tokens", "tokens": 400, "window_s": 3600}]
    talk = make(then="flag", config={"limits": limits, "governance": {"assumed_output_tokens": 40}})
    await talk.asks(create("Hi"))
    await talk.answers(*answer(*["many words "] * 100))
    assert talk.at_client[-1]["type"] == "response.incomplete"
    assert 0 < len(text_of(talk.at_client)) < 1100
    (exchange,) = talk.watch.journalled()
    assert exchange.action is Action.CUT


def walks(said: list[dict[str, Any]], told: list[dict[str, Any]]) -> st.SearchStrategy[Any]:
    """Messages of both sides in any order."""
    either = st.one_of(
        st.tuples(st.just(True), st.sampled_from(said)), st.tuples(st.just(False), st.sampled_from(told))
    )
    return st.lists(either, max_size=25)


OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": f"{WORD}!"}
FAILED = {"type": "error", "error": {"message": "No."}}
WALKS = {
    "/v1/responses": walks(
        [
            create(f"I am {WORD}."),
            create("", input=[OUTPUT]),
            {"type": "response.steer", "previous_response_id": "resp_1", "input": [{"role": "user", "content": WORD}]},
        ],
        [*answer("Wel", "come."), *answer("Hm.", number=2), FAILED],
    ),
    REALTIME: walks(
        [
            item_of(f"I am {WORD}."),
            {"type": "conversation.item.create", "item": OUTPUT},
            {"type": "session.update", "session": {"type": "realtime", "instructions": WORD}},
            {"type": "response.create", "response": {"instructions": f"Say {WORD}."}},
            ASK,
        ],
        [*realtime_answer("Wel", "come."), *realtime_answer("Hm.", number=2), FAILED],
    ),
}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.data(), st.sampled_from(sorted(WALKS)), st.sampled_from(["redact", "block"]))
async def test_no_order_of_messages_lets_the_word_through(
    tmp_path: Path, data: st.DataObject, path: str, then: str
) -> None:
    walk = data.draw(WALKS[path])
    line = {"direction": "direction: request, ", "then": then, "on_failure": "block"}
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        watch = Watch(Path(folder), detectors=[Sees()], policy=POLICY.format(**line).encode(), config=UNLIMITED)
        talk = Talk.begin(watch, path)
        for from_client, message in walk:
            await (talk.asks(message) if from_client else talk.answers(message))
        talk.ends(by_client=True)
        assert WORD not in repr(talk.at_server)
        assert len(watch.journalled()) <= 2 * len(walk)
        assert not {name for name, record in watch.guard.records.items() if record.failures}
        await asyncio.to_thread(watch.close)

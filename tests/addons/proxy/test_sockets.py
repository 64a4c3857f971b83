"""Sockets: each call on one is a record of its own, written before its last message goes out; no byte is changed."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mitmproxy.flow import Error
from wsproto.frame_protocol import Opcode

from midwatch.lean.in_flight import IDLE
from midwatch.lean.patch import PatchSet
from midwatch.lean.socket_asides import SOCKET_ASIDES
from midwatch.proxy.journaling import Journalist
from midwatch_core.access.directory import Directory
from midwatch_core.access.identifying import Identifier
from midwatch_core.access.keys import key_digest, new_key
from midwatch_core.access.settings import IdentitySettings
from midwatch_core.clock import SystemClock
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_core.model.content import FinishReason
from midwatch_core.model.exchange import Exchange, Transport
from midwatch_core.model.tenant import Tenant
from tests.addons.proxy.conftest import Watch, make_flow
from tests.addons.proxy.talk import UPGRADE, Talk, answer, create, item_of, realtime_answer


@pytest.fixture(autouse=True)
def asides() -> Iterator[None]:
    patches = PatchSet([SOCKET_ASIDES])
    patches.apply()
    yield
    patches.revert()


@pytest.fixture
async def talk(watch: Watch) -> Talk:
    return Talk.begin(watch, traceparent=f"00-{'a' * 32}-{'b' * 16}-01", session_id="mine")


def texts(exchange: Exchange) -> tuple[list[str], list[str]]:
    assert exchange.response is not None
    return [item.text for item in exchange.request.segments], [item.text for item in exchange.response.segments]


def failures(watch: Watch) -> dict[str, str | None]:
    return {name: record.last_error for name, record in watch.guard.records.items() if record.failures}


async def test_a_call_is_journalled_before_its_last_message_goes_out(talk: Talk) -> None:
    *before, last = answer("Hel", "lo.")
    await talk.asks(create("Hi"))
    await talk.answers(*before)
    assert talk.watch.journalled() == []
    await talk.answers(last)
    (exchange,) = talk.watch.journalled()
    assert texts(exchange) == (["Hi"], ["Hello."])
    assert (exchange.transport, exchange.streamed, exchange.status) == (Transport.WEBSOCKET, True, 101)
    assert (exchange.model, exchange.error, exchange.trace_id) == ("gpt-5", None, "a" * 32)
    assert exchange.session == "mine"
    assert exchange.response is not None
    assert exchange.response.finish_reason is FinishReason.STOP
    assert exchange.response.usage is not None
    assert (exchange.response.usage.input_tokens, exchange.response.usage.output_tokens) == (5, 7)
    assert exchange.timing.ttft_ms is not None
    assert exchange.timing.duration_ms is not None
    assert 0 < exchange.timing.ttft_ms <= exchange.timing.duration_ms
    talk.ends(by_client=True)
    assert talk.watch.journalled() == []


async def test_each_call_on_a_socket_is_a_record_of_its_own(talk: Talk) -> None:
    for number in range(1, 4):
        await talk.asks(create(f"Question {number}"))
        await talk.answers(*answer(f"Answer {number}", number=number))
    exchanges = talk.watch.journalled()
    assert [texts(item) for item in exchanges] == [([f"Question {n}"], [f"Answer {n}"]) for n in range(1, 4)]
    assert len({item.id for item in exchanges}) == 3
    assert talk.at_server == [create(f"Question {number}") for number in range(1, 4)]


async def test_messages_go_on_as_they_came(talk: Talk) -> None:
    ours = b'{ "type":"response.create",\n "model":"gpt-5", "input" : "Hi" }'
    message = await talk.relay(ours, from_client=True)
    assert (message.content, message.dropped) == (ours, False)
    for event in answer("Hello."):
        told = orjson.dumps(event, option=orjson.OPT_INDENT_2)
        message = await talk.relay(told, from_client=False)
        assert (message.content, message.dropped) == (told, False)
    assert len(talk.watch.journalled()) == 1


@pytest.mark.parametrize(
    ("by_client", "code", "error"),
    [(True, 1000, "client disconnected (1000)"), (False, 1011, "the provider closed the socket (1011)")],
    ids=["client", "server"],
)
@pytest.mark.parametrize("events", [0, 4])
async def test_a_socket_that_closes_in_the_middle_of_an_answer(
    talk: Talk, by_client: bool, code: int, error: str, events: int
) -> None:
    await talk.asks(create())
    await talk.answers(*answer("Hel", "lo.")[:events])
    talk.ends(by_client=by_client, code=code)
    (exchange,) = talk.watch.journalled()
    assert exchange.error == error
    if events:
        assert texts(exchange) == (["Hi"], ["Hello."])
    else:
        assert (exchange.response, exchange.status) == (None, None)


async def test_a_socket_holds_a_shutdown_up_only_while_a_call_is_under_way(talk: Talk) -> None:
    idle = [talk.flow.metadata[IDLE]]
    await talk.asks(create(), create("And?"))
    for number in (1, 2):
        idle.append(talk.flow.metadata[IDLE])
        await talk.answers(*answer("Yes.", number=number))
    assert [*idle, talk.flow.metadata[IDLE]] == [True, False, False, True]


async def test_a_socket_that_breaks_and_one_that_outlives_the_proxy(talk: Talk) -> None:
    await talk.asks(create())
    talk.flow.error = Error("connection reset.")
    talk.watch.sockets.error(talk.flow)
    other = Talk.begin(talk.watch)
    await other.asks(create())
    talk.watch.sockets.done()
    assert [item.error for item in talk.watch.journalled()] == ["connection reset", "the proxy ended"]


async def test_an_error_instead_of_an_answer_ends_the_call(talk: Talk) -> None:
    error = {"type": "error", "status": 429, "error": {"code": "rate_limit_exceeded", "message": "Slow down."}}
    await talk.asks(create())
    await talk.answers(error)
    (exchange,) = talk.watch.journalled()
    assert exchange.response is not None
    assert exchange.response.error is not None
    assert exchange.response.error.message == "Slow down."


async def test_a_realtime_answer_is_told_from_others_at_the_same_time(watch: Watch) -> None:
    talk = Talk.begin(watch, "/v1/realtime?model=gpt-realtime")
    out_of_band = {"type": "response.create", "response": {"conversation": "none", "metadata": {"a": "b"}}}
    await talk.asks(item_of("Hi"), {"type": "response.create"}, out_of_band)
    first, second = realtime_answer("Hel", "lo."), realtime_answer("Beside.", number=2)
    second[0]["response"]["metadata"] = {"a": "b"}
    for pair in zip(first, second, strict=False):
        await talk.answers(*pair)
    await talk.answers(*first[len(second) :])
    exchanges = watch.journalled()
    assert sorted(texts(item)[1] for item in exchanges) == [["Beside."], ["Hello."]]
    assert texts(next(item for item in exchanges if texts(item)[1] == ["Hello."]))[0] == ["Hi"]
    assert failures(watch) == {}


async def test_a_call_that_the_server_begins(watch: Watch) -> None:
    talk = Talk.begin(watch, "/v1/realtime?model=gpt-realtime")
    await talk.answers(*realtime_answer("You said nothing."))
    (exchange,) = watch.journalled()
    assert (texts(exchange), exchange.model) == (([], ["You said nothing."]), "gpt-realtime")


async def test_sound_and_what_is_no_message_of_the_protocol_just_pass(talk: Talk) -> None:
    for content, kind in [(b"\x00\xff", Opcode.BINARY), (b"no json", Opcode.TEXT), (b'{"type":7}', Opcode.TEXT)]:
        for from_client in (True, False):
            message = await talk.relay(content, from_client=from_client, kind=kind)
            assert (message.content, message.dropped) == (content, False)
    talk.ends(by_client=True)
    assert talk.watch.journalled() == []
    assert failures(talk.watch) == {}


async def test_json_in_binary_messages_is_read_too(talk: Talk) -> None:
    for from_client, message in [(True, create()), *((False, event) for event in answer("Hello."))]:
        content = orjson.dumps(message)
        assert (await talk.relay(content, from_client=from_client, kind=Opcode.BINARY)).content == content
    (exchange,) = talk.watch.journalled()
    assert texts(exchange) == (["Hi"], ["Hello."])


async def test_no_more_than_the_message_at_hand_is_kept(watch: Watch) -> None:
    for path in ("/v1/responses", "/elsewhere"):
        talk = Talk.begin(watch, path)
        for number in range(5):
            await talk.asks({"n": number})
        assert talk.flow.websocket is not None
        assert [message.content for message in talk.flow.websocket.messages] == [b'{"n":4}']
        assert talk.at_server == [{"n": number} for number in range(5)]


async def test_other_sockets_pass_unread_and_are_not_recorded(watch: Watch) -> None:
    talk = Talk.begin(watch, "/chat")
    assert talk.flow.request.stream
    await talk.asks(create())
    await talk.answers(*answer("Hello."))
    talk.ends(by_client=True)
    assert watch.journalled() == []
    assert talk.at_client == answer("Hello.")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/chat/completions"])
async def test_a_request_for_a_socket_is_no_call(watch: Watch, path: str) -> None:
    flow = make_flow(path=path, method="GET", body=b"", headers=UPGRADE)
    watch.begin(flow)
    watch.addon.request(flow)
    watch.addon.error(flow)
    assert watch.journalled() == []


async def test_messages_and_sockets_are_counted(talk: Talk) -> None:
    await talk.asks(create())
    await talk.answers(*answer("Hello."))
    counted = {(item.name, item.labels): item.values[0] for item in talk.watch.metrics.samples()}
    assert counted["midwatch_sockets_open", ()] == 1
    assert counted["midwatch_socket_messages_total", ("client",)] == 1
    assert counted["midwatch_socket_messages_total", ("server",)] == len(answer("Hello."))
    assert counted["midwatch_calls_total", ("openai", "openai.responses")] == 1
    talk.ends(by_client=True)
    assert ("midwatch_sockets_open", (), 0) in [
        (item.name, item.labels, item.values[0]) for item in talk.watch.metrics.samples()
    ]


class Full(Journalist):
    refuses = True  # as on a full disk with `when_full: refuse`


async def test_where_nothing_can_be_kept_no_socket_begins_and_no_call_goes_out(talk: Talk) -> None:
    talk.watch.settling.journalist = Full(talk.watch.writer)
    await talk.asks(create())
    assert talk.at_server == []
    (told,) = talk.at_client
    assert (told["type"], told["status"], told["error"]["code"]) == ("error", 503, "journal_full")
    flow = make_flow(path="/v1/responses", method="GET", body=b"", headers=UPGRADE)
    flow.live = True
    talk.watch.begin(flow)
    assert flow.error is not None
    assert flow.error.msg == Error.KILLED_MESSAGE
    assert flow.response is None


def known(watch: Watch, *keys: ApiKey) -> None:
    """From now on, nobody but these keys is let in."""
    settings = IdentitySettings(required=True)
    directory = Directory(tenants=(Tenant(name="acme", created_at=SystemClock().now()),), keys=keys)
    watch.admitting.identifying.follow(settings)
    watch.admitting.identifying.identifier = Identifier(directory, settings, default="default")


async def test_a_strangers_request_for_a_socket_is_dropped_not_answered(watch: Watch) -> None:
    known(watch)
    flow = make_flow(path="/v1/responses", method="GET", body=b"", headers=UPGRADE)
    flow.live = True
    watch.begin(flow)
    assert flow.response is None
    assert flow.error is not None
    assert flow.error.msg == Error.KILLED_MESSAGE


async def test_a_key_that_is_revoked_while_its_socket_is_open_begins_no_more_calls(watch: Watch) -> None:
    new, at = new_key(), SystemClock().now()
    role = AccessRole.CLIENT
    known(watch, ApiKey(id=new.id, digest=key_digest(new.text), role=role, tenant="acme", created_at=at))
    talk = Talk.begin(watch, x_midwatch_key=new.text)
    await talk.asks(create("One"))
    await talk.answers(*answer("First."))
    (exchange,) = watch.journalled()
    assert exchange.identity.tenant == "acme"
    known(watch)
    await talk.asks(create("Two"))
    assert talk.at_server == [create("One")]
    told = talk.at_client[-1]
    assert (told["type"], told["status"], told["error"]["code"]) == ("error", 401, "midwatch_wrong_key")
    await talk.answers(*answer("Nobody asked.", number=2))
    assert "Nobody" not in repr(talk.at_client)
    assert watch.journalled() == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.one_of(
                st.binary(max_size=40),
                st.sampled_from([orjson.dumps(item) for item in (create(), *answer("a", "b"), item_of("x"))]),
            ),
        ),
        max_size=30,
    ),
    st.sampled_from(["/v1/responses", "/v1/realtime"]),
)
async def test_any_messages_in_any_order_pass_unchanged(
    watch: Watch, messages: list[tuple[bool, bytes]], path: str
) -> None:
    talk = Talk.begin(watch, path)
    for from_client, content in messages:
        message = await talk.relay(content, from_client=from_client)
        assert (message.content, message.dropped) == (content, False)
    begun = sum(from_client and b'response.create"' in content for from_client, content in messages)
    talk.ends(by_client=True)
    assert begun <= len(watch.journalled()) <= len(messages)
    assert failures(watch) == {}

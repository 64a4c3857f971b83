"""MCP over HTTP: requests, answers sent whole and streamed, listening streams, refusals, and anything at all."""

import json
from typing import Any

import mcp.types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation, ProviderError, Request, Response
from midwatch_core.wire.decoding import decode_request, decode_response
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.dialects.mcp.calls import Mcp
from midwatch_core.wire.target import Target
from tests.core.wire.wire_checks import (
    anything,
    by_path,
    cuts,
    mutated,
    read_response,
    read_stream,
    split_at,
    sse,
    texts,
)

STREAMABLE = Target(host="mcp.test", path="/mcp", headers={"accept": "application/json, text/event-stream"})
OLDER = Target(host="mcp.test", path="/messages/")
LISTENING = Target(host="mcp.test", path="/sse", method="GET", headers={"accept": "text/event-stream"})
REFUSAL = Refusal(status=403, code="blocked_by_policy", message="Not this one.", request_id="r1")
TOOL = {"name": "add", "description": "Adds.", "inputSchema": {"type": "object", "properties": {"a": {}}}}


def ask(method: str | None = None, params: Any = None, *, id: Any = 7, **more: Any) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params, **more}
    return {key: value for key, value in message.items() if value is not None}


def answer(result: Any, *, id: Any = 7) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": result}


CALL = ask("tools/call", {"name": "add", "arguments": {"a": 1, "b": "ä"}, "_meta": {"progressToken": "t"}})
CALLED = answer(
    {
        "content": [
            {"type": "text", "text": "three"},
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "embedded"}},
            {"type": "resource_link", "uri": "file:///b", "name": "b", "description": "linked"},
        ],
        "structuredContent": {"sum": 3},
        "_meta": {"cost": "hidden"},
    }
)
LOGGED = ask("notifications/message", {"level": "info", "data": "a log line"}, id=None)
SAMPLING = ask(
    "sampling/createMessage",
    {
        "systemPrompt": "Be brief.",
        "messages": [{"role": "user", "content": {"type": "text", "text": "What is it?"}}],
        "tools": [TOOL],
        "maxTokens": 10,
    },
    id="s-1",
)


def read(body: Any, target: Target = STREAMABLE) -> Request:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_request(Mcp(), data, target).request


def bound(document: Any, target: Target = STREAMABLE) -> Dialect:
    return Mcp().bound(document, target)


def said(item: Request | Response) -> list[tuple[str, str]]:
    return [(segment.part.value, segment.text) for segment in item.segments]


def test_a_call_of_a_tool() -> None:
    request = read(CALL)
    assert request.operation is Operation.EXECUTE_TOOL
    assert request.tools == ("add",)
    assert request.model is None
    assert by_path(request) == {"/params/arguments": ("tool_call", '{"a":1,"b":"ä"}')}
    assert request.parameters == {"method": "tools/call", "name": "add"}
    assert request.decode_error is None


@pytest.mark.parametrize(
    ("message", "operation", "expected"),
    [
        (ask("tools/list", {"cursor": "c"}), Operation.LIST_TOOLS, []),
        (ask("ping"), Operation.MCP, []),
        (ask("resources/read", {"uri": "file:///x"}), Operation.MCP, [("tool_call", "file:///x")]),
        (ask("prompts/get", {"name": "p", "arguments": {"of": "me"}}), Operation.MCP, [("user", "me")]),
        (
            ask("completion/complete", {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"value": "py"}}),
            Operation.MCP,
            [("user", "py")],
        ),
        (ask("notifications/progress", {"progress": 1, "message": "half"}), Operation.MCP, [("tool_result", "half")]),
        (ask("tasks/extension", {"words": ["new"]}), Operation.MCP, [("tool_result", "new")]),
        (
            answer({"role": "assistant", "content": {"type": "text", "text": "It is I."}, "model": "m"}),
            Operation.MCP,
            [("assistant", "It is I.")],
        ),
        (answer({"action": "accept", "content": {"id": "Eve"}}), Operation.MCP, [("user", "Eve")]),
        (
            ask("elicitation/create", {"message": "Your name?", "requestedSchema": {"type": "object"}}),
            Operation.MCP,
            [("user", "Your name?"), ("user", '{"type":"object"}')],
        ),
    ],
    ids=lambda value: value.get("method", "answer") if isinstance(value, dict) else None,
)
def test_what_is_asked_and_what_a_client_answers(message: Any, operation: Operation, expected: Any) -> None:
    request = read(message)
    assert (request.operation, said(request), request.decode_error) == (operation, expected, None)


def test_who_begins_is_in_the_parameters() -> None:
    request = read(ask("initialize", {"protocolVersion": "2025-11-25", "clientInfo": {"name": "c", "version": "1"}}))
    assert request.parameters == {
        "method": "initialize",
        "protocolVersion": "2025-11-25",
        "clientInfo": {"name": "c", "version": "1"},
    }
    assert not request.segments


@pytest.mark.parametrize(
    "message",
    [
        ask("resources/read", {"uri": "file:///words"}),
        ask("completion/complete", {"argument": {"value": "words"}}),
        ask("notifications/message", {"data": "words"}),
        ask("extension/new", {"anything": "words"}),
    ],
    ids=lambda message: message["method"],
)
def test_words_are_texts_and_no_parameters(message: Any) -> None:
    request = read(message)
    assert request.parameters == {"method": message["method"]}
    assert "words" in request.segments[0].text


def test_a_batch_is_named_for_the_first_that_asks_for_a_tool() -> None:
    request = read([ask("ping", id=1), ask("tools/call", {"name": "x", "arguments": {"q": 1}}, id=2)])
    assert request.operation is Operation.EXECUTE_TOOL
    assert request.tools == ("x",)
    assert by_path(request) == {"/1/params/arguments": ("tool_call", '{"q":1}')}


def test_a_get_has_no_body_and_listens() -> None:
    request = read(b"", LISTENING)
    assert request.stream
    assert request.decode_error is None


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"tools": [TOOL], "nextCursor": "n"}, [("tool_definition", json.dumps(TOOL, separators=(",", ":")))]),
        ({"contents": [{"uri": "u", "text": "page"}, {"uri": "v", "blob": "AA"}]}, [("document", "page")]),
        (
            {
                "description": "A prompt",
                "messages": [
                    {"role": "user", "content": {"type": "text", "text": "Do"}},
                    {"role": "assistant", "content": {"type": "resource", "resource": {"text": "doc"}}},
                ],
            },
            [("document", "A prompt"), ("user", "Do"), ("document", "doc")],
        ),
        (
            {
                "protocolVersion": "2025-11-25",
                "serverInfo": {"name": "s"},
                "instructions": "Use me.",
                "capabilities": {},
            },
            [("system", '{"name":"s"}'), ("system", "Use me.")],
        ),
        ({"resources": [{"uri": "u", "name": "n"}]}, [("document", '{"uri":"u","name":"n"}')]),
        ({"completion": {"values": ["one", "two"], "total": 2}}, [("tool_result", "one"), ("tool_result", "two")]),
        ({"task": {"taskId": "t", "status": "working", "statusMessage": "soon"}}, [("tool_result", "soon")]),
        ({}, []),
    ],
    ids=["tools", "contents", "prompt", "initialize", "resources", "completion", "task", "empty"],
)
def test_results_are_known_by_their_members(result: Any, expected: Any) -> None:
    response = read_response(bound(ask("any")), answer(result))
    assert set(said(response)) >= set(expected)
    assert len(response.segments) == len(expected) or "task" in result
    assert (response.decode_error, response.error, response.complete) == (None, None, True)


def test_what_a_server_adds_hides_nothing() -> None:
    listed = {"role": "assistant", "action": "accept", "content": {"data": "more"}, "tools": [TOOL]}
    message = {**answer(listed), "method": "ping"}
    response = read_response(bound(CALL), message)
    assert [part for part, _ in said(response)] == ["tool_result", "tool_definition"]
    streamed, _ = read_stream(bound(CALL), [sse(message)])
    assert (streamed.complete, streamed.segments) == (True, response.segments)


def test_what_a_tool_brought() -> None:
    response = read_response(bound(CALL), CALLED)
    assert said(response) == [
        ("tool_result", "three"),
        ("tool_result", "embedded"),
        ("tool_result", "b"),
        ("tool_result", "linked"),
        ("tool_result", '{"sum":3}'),
    ]


def test_a_tool_that_fails_says_so_in_its_result() -> None:
    response = read_response(bound(CALL), answer({"content": [{"type": "text", "text": "no disk"}], "isError": True}))
    assert (response.finish_reason, response.raw_finish_reason) == (FinishReason.ERROR, "isError")
    assert said(response) == [("tool_result", "no disk")]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (
            {"jsonrpc": "2.0", "id": 7, "error": {"code": -32602, "message": "Unknown tool"}},
            200,
            ("-32602", "Unknown tool"),
        ),
        ({"error": "invalid_token", "error_description": "Expired"}, 401, ("invalid_token", "Expired")),
        ([{"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": "m"}}], 400, ("1", "m")),
    ],
    ids=["rpc", "oauth", "batch"],
)
def test_errors(body: Any, status: int, error: tuple[str, str]) -> None:
    response = read_response(bound(CALL), body, status)
    assert response.error == ProviderError(type=error[0], message=error[1])
    assert response.finish_reason is FinishReason.ERROR


def test_an_error_s_words_are_texts_that_a_model_may_read() -> None:
    error = {"code": 1, "message": "Ask the user", "data": {"hint": "for a key"}}
    response = read_response(bound(CALL), {"jsonrpc": "2.0", "id": 7, "error": error})
    assert said(response) == [("tool_result", "Ask the user"), ("tool_result", "for a key")]


@pytest.mark.parametrize("body", [b"", b"Accepted"], ids=["empty", "a word"])
def test_what_is_only_accepted_has_no_answer(body: bytes) -> None:
    response = decode_response(bound(LOGGED), body, 202).response
    assert (response.decode_error, response.segments, response.complete) == (None, (), True)


def test_a_stranger_s_json_has_no_texts() -> None:
    assert read_response(Mcp(), {"result": {"content": [{"type": "text", "text": "private"}]}}).segments == ()


# --- streams


def test_the_awaited_answer_of_a_stream_stands_where_that_of_a_body_does() -> None:
    whole = read_response(bound(CALL), CALLED)
    streamed, events = read_stream(bound(CALL), [sse(LOGGED, SAMPLING, CALLED)])
    assert streamed.complete
    others = {
        "/messages/0/params/data": ("tool_result", "a log line"),
        "/messages/1/params/systemPrompt": ("system", "Be brief."),
        "/messages/1/params/tools/0": ("tool_definition", json.dumps(TOOL, separators=(",", ":"))),
        "/messages/1/params/messages/0/content/text": ("user", "What is it?"),
    }
    assert by_path(streamed) == others | by_path(whole)
    assert texts(events) == {path: text for path, (_, text) in by_path(streamed).items()}


def test_a_stream_is_complete_with_its_last_awaited_answer() -> None:
    batch = [ask("tools/list", id=1), ask("tools/list", id="1"), ask("notifications/initialized", id=None)]
    first, second = answer({"tools": [TOOL]}, id=1), answer({"tools": []}, id="1")
    assert not read_stream(bound(batch), [sse(first)])[0].complete
    assert read_stream(bound(batch), [sse(first, second)])[0].complete
    assert read_stream(bound(batch), [sse([first, second])])[0].complete
    assert read_stream(bound(batch), [sse({"jsonrpc": "2.0", "id": 1, "error": {"code": 1}}, second)])[0].complete


def test_an_answer_to_somebody_else_does_not_end_a_stream() -> None:
    for other in (answer({}, id="7"), answer({}, id=8), answer({}, id=True), ask("ping", id=7)):
        assert not read_stream(bound(CALL), [sse(other)])[0].complete


def test_the_older_transport_answers_on_the_stream_that_listens() -> None:
    body = b"event: endpoint\ndata: /messages/?session_id=1\n\n: ping\n\ndata:\n\n" + sse(
        answer({"tools": [TOOL]}, id=1), CALLED
    )
    response, _ = read_stream(bound(None, LISTENING), [body])
    assert response.complete
    assert [part for part, _ in said(response)] == ["tool_definition", *["tool_result"] * 5]
    assert response.decode_error is None


def test_a_stream_that_says_nothing_has_no_texts() -> None:
    response, events = read_stream(bound(None, LISTENING), [b": ping\n\ndata: hello\n\n" + sse({"result": {"a": "b"}})])
    assert (response.segments, events) == ((), [])


def test_a_failure_in_a_stream() -> None:
    error = {"jsonrpc": "2.0", "id": 7, "error": {"code": -32000, "message": "gone"}}
    assert read_stream(bound(CALL), [sse(error)])[0].error == ProviderError(type="-32000", message="gone")
    failed = answer({"content": [], "isError": True})
    assert read_stream(bound(CALL), [sse(failed)])[0].raw_finish_reason == "isError"


@given(cuts=cuts)
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    data = sse(LOGGED, SAMPLING, CALLED)
    assert read_stream(bound(CALL), split_at(data, cuts))[0] == read_stream(bound(CALL), [data])[0]


# --- refusals


def refused(document: Any, target: Target = STREAMABLE) -> tuple[int, Any]:
    made = bound(document, target).refuse(REFUSAL)
    return made.status, json.loads(made.body)


def test_a_refused_request_is_answered_as_the_client_library_reads_it() -> None:
    status, body = refused(CALL)
    assert status == 200
    message = mcp.types.JSONRPCMessage.model_validate(body).root
    assert isinstance(message, mcp.types.JSONRPCError)
    assert (message.id, message.error.message) == (7, "Not this one.")
    assert message.error.data == {"code": "blocked_by_policy", "status": 403, "request_id": "r1"}


def test_each_request_of_a_refused_batch_is_answered() -> None:
    status, body = refused([ask("ping", id=1), LOGGED, ask("ping", id="b")])
    assert (status, [item["id"] for item in body]) == (200, [1, "b"])


@pytest.mark.parametrize(
    ("document", "target"),
    [(LOGGED, STREAMABLE), (answer({}), STREAMABLE), (CALL, OLDER), (None, LISTENING), ("nonsense", STREAMABLE)],
    ids=["notification", "answer", "older", "listening", "nonsense"],
)
def test_where_nobody_reads_an_answer_the_status_tells(document: Any, target: Target) -> None:
    status, body = refused(document, target)
    assert status == 403
    assert body["error"]["message"] == "Not this one."


def test_a_refusal_in_a_stream_is_its_awaited_answer() -> None:
    response, _ = read_stream(bound(CALL), [bound(CALL).refuse_in_stream(REFUSAL)])
    assert response.complete
    assert response.error == ProviderError(type="-32000", message="Not this one.")


def test_a_stream_that_is_cut_answers_whoever_still_waits() -> None:
    reader = bound([ask("ping", id=1), ask("ping", id=2)]).stream_map()
    assert reader is not None
    one = json.dumps(answer({}, id=1)).encode()
    reader.sent("message", reader.read("message", one).document)
    (event,) = reader.end(REFUSAL)
    assert event[0] == "message"
    assert json.loads(event[1])["id"] == 2


def test_on_a_listening_stream_the_answer_that_is_cut_is_answered() -> None:
    reader = bound(None, LISTENING).stream_map()
    assert reader is not None
    assert list(reader.end(REFUSAL)) == []
    reader.read("message", json.dumps(CALLED).encode())
    assert [json.loads(data)["id"] for _, data in reader.end(REFUSAL)] == [7]


# --- anything


@given(body=mutated(CALL, SAMPLING, CALLED, [CALL, CALLED]) | anything)
def test_nothing_raises_and_what_follows_is_read(body: Any) -> None:
    read(body)
    dialect = bound(body)
    read_response(dialect, body)
    dialect.refuse(REFUSAL)
    after, _ = read_stream(dialect, [sse(body, CALLED)])
    assert ("tool_result", "three") in said(after)


@given(body=st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    read(body)
    read_response(Mcp(), body)
    read_stream(Mcp(), [b"data: ", body, b"\n\n", sse(CALLED)])

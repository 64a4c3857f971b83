"""A cut at any place ends the stream in its dialect's own way, and nothing of what was held or is to come goes out."""

import json
from typing import Any

import pytest

from midwatch_core.model.content import FinishReason, Response
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.editing.editor import StreamEditor
from tests.core.wire.editing.filters import Makes, Tripping, editor, same
from tests.core.wire.editing.streams import ALL, ANTHROPIC, COHERE, DIALECTS, GEMINI, JSON, OWN, Stream, response_events
from tests.core.wire.wire_checks import sse

REFUSAL = Refusal(status=403, code="policy_cut", message="Cut by policy.", request_id="req-7")
CUT = {FinishReason.CONTENT_FILTER, FinishReason.REFUSAL}
BY_NAME = {stream.name: stream for stream in OWN}


def raw_pieces(stream: Stream) -> list[bytes]:
    cutter = stream.cutter()
    return [piece.raw for piece in [*cutter.feed(stream.body), *cutter.close()]]


def cut_after(stream: Stream, count: int, hold: int = 0) -> tuple[bytes, bytes]:
    """What went out of the first `count` pieces, and the closing bytes."""
    edits = StreamEditor(stream.dialect, stream.cutter(), Makes(same, hold))
    out = b"".join(edits.feed(raw) for raw in raw_pieces(stream)[:count])
    closing = edits.cut(REFUSAL)
    assert edits.feed(stream.body) == b""
    assert edits.close() == b""
    assert edits.cut(REFUSAL) == b""
    return out, closing


def said(response: Response) -> dict[str, str]:
    """Texts, without our own message."""
    return {item.path: item.text for item in response.segments if item.path != "/stop_details/explanation"}


def was_cut(response: Response) -> bool:
    """Whether an answer ends as cut: Cohere and Realtime's transcriptions have no word for it but an error's."""
    told = response.error is not None and response.error.message == REFUSAL.message
    return response.finish_reason in CUT or (response.finish_reason is FinishReason.ERROR and told)


def unspoilt(after: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    """The texts without what spoils the arguments of a call that was cut."""
    return {
        path: text[:-1] if path.endswith("arguments") and text == before.get(path, "") + "{" else text
        for path, text in after.items()
    }


@pytest.mark.parametrize("hold", [0, 3])
@pytest.mark.parametrize("stream", ALL)
def test_a_cut_behind_any_event(stream: Stream, hold: int) -> None:
    pieces = raw_pieces(stream)
    for count in range(0, len(pieces), max(1, len(pieces) // 40)):
        out, closing = cut_after(stream, count, hold)
        before, after = stream.decode(out), stream.decode(out + closing)
        if stream.kind == JSON:
            json.loads(out + closing)
        if not closing:
            assert before.complete
            continue
        assert after.complete
        assert after.decode_error is None
        assert was_cut(after) or before.error is not None
        had = said(before)
        assert {path: text for path, text in unspoilt(said(after), had).items() if text or path in had} == had
        assert after.usage == before.usage or before.usage is None


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("chat", "an alle"),
        ("chat-tools", "Rīga"),
        ("chat-choices", "zwei"),
        ("chat-function-call", "utc"),
        ("completions", "alle"),
        ("responses", "an alle"),
        ("responses", "Rīga"),
        ("anthropic", "an alle"),
        ("anthropic", "Rīga"),
        ("gemini", "an alle"),
        ("gemini", "Rīga"),
        ("gemini-array", "Rīga"),
        ("gemini-array-compact", "Let"),
        ("code-assist", "an alle"),
        ("code-assist", "Rīga"),
        ("cohere", "an alle"),
        ("cohere-v1", "an alle"),
        ("cohere-v1", "utc"),
        ("cohere", "utc"),
        ("ollama", "an alle"),
        ("ollama", "Rīga"),
        ("ollama-generate", "Grüße"),
        ("bedrock-converse", "an alle"),
        ("bedrock-converse", "Rīga"),
        ("bedrock-nova", "Rīga"),
        ("bedrock-titan", "an alle"),
        ("bedrock-llama", "an alle"),
        ("bedrock-mistral", "an alle"),
        ("bedrock-cohere", "Rīga"),
        ("bedrock-deepseek", "an alle"),
        ("bedrock-anthropic", "an alle"),
    ],
)
def test_a_filter_cuts(name: str, word: str) -> None:
    stream = BY_NAME[name]
    edits = editor(stream, lambda path, part, json: Tripping(word))
    out = edits.feed(stream.body)
    assert edits.cut_by is not None
    assert edits.feed(b"data: {}\n\n") == edits.close() == b""
    out += edits.cut(REFUSAL)
    response = stream.decode(out)
    assert response.complete
    assert response.decode_error is None
    assert was_cut(response)
    assert all(word not in item.text for item in response.segments)
    assert any(b"req-7" in (piece.data or b"") for piece in stream.cutter().feed(out))


def test_a_filter_that_cuts_at_the_end() -> None:
    class AtEnd(Tripping):
        def feed(self, delta: str) -> str:
            self.seen += delta
            return ""

        def close(self) -> str:
            return self._checked(self.seen)

    for name in ("chat", "chat-tools", "responses", "anthropic", "gemini", "ollama", "chat-no-done"):
        stream = BY_NAME[name]
        edits = editor(stream, lambda path, part, json: AtEnd("e"))
        out = edits.feed(stream.body) + edits.close()
        assert edits.cut_by is not None
        response = stream.decode(out + edits.cut(REFUSAL))
        assert response.finish_reason in CUT
        assert set(said(response).values()) <= {"", "{"}


def test_a_cut_within_an_event_too_large_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midwatch_core.wire.editing.sse.MAX_EVENT_BYTES", 100)
    stream = Stream("s", DIALECTS["anthropic.messages"], b"data: " + b"x" * 500)
    edits = editor(stream, Makes())
    assert edits.feed(stream.body) == stream.body
    assert edits.unread == 1
    assert edits.cut(REFUSAL).startswith(b"\n\nevent: message_start\n")


def events_of(body: bytes) -> list[Any]:
    lines = [item[6:] for item in body.decode().replace("\r\n", "\n").split("\n") if item.startswith("data: ")]
    return [json.loads(item) for item in lines if item != "[DONE]"]


def closing_of(dialect: str, *events: Any) -> list[Any]:
    body = sse(*events, named=all("type" in event for event in events))
    edits = editor(Stream("s", DIALECTS[dialect], body), Makes())
    edits.feed(body)
    return events_of(edits.cut(REFUSAL))


def test_anthropic_leaves_a_tool_open_and_ends_a_text() -> None:
    text = closing_of("anthropic.messages", *ANTHROPIC[:9])
    assert [event["type"] for event in text] == ["content_block_stop", "message_delta", "message_stop"]
    assert text[0]["index"] == 1
    assert text[1]["delta"]["stop_reason"] == "refusal"
    assert text[1]["delta"]["stop_details"]["explanation"] == "Cut by policy."
    assert text[1]["usage"] == {"output_tokens": 1}
    tool = closing_of("anthropic.messages", *ANTHROPIC[:14])
    assert [event["type"] for event in tool] == ["message_delta", "message_stop"]


def test_cohere_leaves_a_call_open_and_ends_a_block() -> None:
    call = closing_of("cohere.chat", *COHERE[:5])
    assert [event["type"] for event in call] == ["message-end"]
    assert call[0]["delta"] == {"finish_reason": "ERROR", "error": "Cut by policy."}
    assert call[0]["midwatch"]["request_id"] == "req-7"
    text = closing_of("cohere.chat", *COHERE[:12])
    assert [event["type"] for event in text] == ["content-end", "message-end"]
    assert text[0]["index"] == 1
    assert [event["type"] for event in closing_of("cohere.chat")] == ["message-start", "message-end"]


def test_code_assist_is_ended_inside_its_member() -> None:
    (event,) = closing_of("gemini.code_assist", {"response": GEMINI[0], "traceId": "t1"})
    assert event["response"]["candidates"] == [
        {"finishReason": "SAFETY", "finishMessage": "Cut by policy.", "index": 0}
    ]
    assert event["midwatch"]["code"] == "policy_cut"


def test_chat_spoils_the_arguments_of_the_open_call_only() -> None:
    out, closing = cut_after(BY_NAME["chat-tools"], 7)
    (chunk,) = events_of(closing)
    assert b'"t1"' not in closing
    assert b'"t1"' in out
    assert chunk["choices"] == [
        {
            "index": 0,
            "finish_reason": "content_filter",
            "logprobs": None,
            "delta": {"tool_calls": [{"index": 1, "function": {"arguments": "{"}}]},
        }
    ]
    assert chunk["midwatch"] == {"request_id": "req-7", "code": "policy_cut", "message": "Cut by policy."}
    assert (chunk["id"], chunk["model"]) == ("c1", "gpt-4.1")


def test_arguments_that_are_no_string_are_not_spoilt() -> None:
    delta = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "now", "arguments": {"zone": 2**70}}}]}
    events = [{"id": 2**70, "choices": [{"index": 0, "delta": delta}]}]
    (chunk,) = closing_of("openai.chat", *events)
    assert chunk["choices"][0]["delta"] == {}


def test_responses_closes_what_is_open_with_what_was_sent() -> None:
    events = response_events()
    upto = next(at for at, event in enumerate(events) if event["type"] == "response.output_text.delta") + 2
    closing = closing_of("openai.responses", *events[:upto])
    assert [event["type"] for event in closing] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    assert [event["sequence_number"] for event in closing] == list(range(upto, upto + 4))
    done, part, item, last = closing
    assert done["text"] == part["part"]["text"] == item["item"]["content"][0]["text"] == "Grüße a"
    assert item["item"]["status"] == "incomplete"
    assert [item["type"] for item in last["response"]["output"]] == ["reasoning", "message"]
    assert last["response"]["incomplete_details"] == {"reason": "content_filter"}
    assert last["response"]["metadata"]["midwatch_request_id"] == "req-7"


def test_responses_does_not_end_an_open_call() -> None:
    events = response_events()
    upto = next(at for at, event in enumerate(events) if event["type"].startswith("response.function_call")) + 1
    closing = closing_of("openai.responses", *events[:upto])
    assert [event["type"] for event in closing] == ["response.incomplete"]
    assert [item["type"] for item in closing[0]["response"]["output"]] == ["reasoning", "message"]


def test_an_array_that_has_ended_is_not_ended_again() -> None:
    stream = BY_NAME["gemini-array"]
    edits = editor(stream, Makes())
    assert edits.feed(stream.body + b" ") == stream.body[:-1]
    assert edits.cut(REFUSAL) == b""


@pytest.mark.parametrize("stream", OWN, ids=lambda item: item.name)
def test_a_stream_that_has_ended_is_not_ended_again(stream: Stream) -> None:
    edits = editor(stream, Makes())
    edits.feed(stream.body)
    edits.close()
    assert edits.cut(REFUSAL) == b""

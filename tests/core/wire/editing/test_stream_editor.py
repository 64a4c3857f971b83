"""The editor: untouched bytes where nothing changes, the same answer with other texts where something does."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midwatch_core.model.content import Response
from midwatch_core.model.segment import Part, Segment
from midwatch_core.wire.dialect import Refusal
from midwatch_core.wire.editing import editor as editing
from midwatch_core.wire.editing.editor import StreamEditor
from tests.core.wire.editing.filters import Holding, Makes, editor, run, same, swapped
from tests.core.wire.editing.streams import (
    ALL,
    ANTHROPIC,
    COHERE,
    COHERE_V1,
    DIALECTS,
    GEMINI,
    GEMINI_PARTIAL,
    JSON,
    NDJSON,
    OLLAMA,
    OWN,
    PARTIAL,
    SSE,
    TEXTS,
    TOOLS,
    Stream,
    chat,
    gemini,
    response_events,
)
from tests.core.wire.wire_checks import cuts, mutated, ndjson, split_at, sse

REFUSAL = Refusal(status=403, code="policy_cut", message="Cut by policy.", request_id="req-7")
BY_NAME = {stream.name: stream for stream in OWN}


def comparable(response: Response) -> Response:
    return replace(response, body_bytes=0, segments=tuple(sorted(response.segments, key=lambda item: item.path)))


def spelt(text: str) -> str:
    """JSON the one way, where it is JSON."""
    try:
        return json.dumps(json.loads(text))
    except ValueError:
        return text


def changed(response: Response) -> Response:
    """What the response would be had its model said it otherwise."""
    segments = (Segment(part=item.part, path=item.path, text=swapped(item.text)) for item in response.segments)
    return comparable(replace(response, segments=tuple(segments)))


@pytest.mark.parametrize("stream", ALL)
def test_nothing_changed_is_every_byte_kept(stream: Stream) -> None:
    makes = Makes()
    assert run(stream, makes, split_at(stream.body, list(range(0, len(stream.body), 41)))) == stream.body
    heard = {path: spelt(item.given) for path, item in makes.made.items()}
    said = {item.path: spelt(item.text) for item in stream.decode(stream.body).segments}
    assert {path: text for path, text in heard.items() if path in said} == {
        path: text for path, text in said.items() if path in heard
    }
    assert {path for path, text in said.items() if text not in ("", "{}", "null")} <= heard.keys()
    parts = {item.path: item.part for item in stream.decode(stream.body).segments}
    assert all(makes.asked[path][0] is part for path, part in parts.items() if path in makes.asked)


@pytest.mark.parametrize("stream", OWN, ids=lambda item: item.name)
@given(where=cuts)
@settings(max_examples=20)
def test_any_split_keeps_every_byte(stream: Stream, where: list[int]) -> None:
    assert run(stream, Makes(), split_at(stream.body, where)) == stream.body


@pytest.mark.parametrize("hold", [0, 1, 5, None])
@pytest.mark.parametrize("stream", ALL)
def test_changed_and_held_texts(stream: Stream, hold: int | None) -> None:
    out = run(stream, Makes(swapped, hold))
    if stream.kind == JSON:
        json.loads(out)
    assert comparable(stream.decode(out)) == changed(stream.decode(stream.body))


@pytest.mark.parametrize("stream", OWN, ids=lambda item: item.name)
@given(where=cuts, hold=st.integers(min_value=0, max_value=30))
@settings(max_examples=20)
def test_any_split_gives_the_same_edits(stream: Stream, where: list[int], hold: int) -> None:
    assert run(stream, Makes(swapped, hold), split_at(stream.body, where)) == run(stream, Makes(swapped, hold))


@pytest.mark.parametrize("stream", OWN, ids=lambda item: item.name)
def test_held_text_alone_changes_no_answer(stream: Stream) -> None:
    assert comparable(stream.decode(run(stream, Makes(same, 3)))) == comparable(stream.decode(stream.body))


def test_only_the_edited_strings_change() -> None:
    body = (
        b'event: e\ndata: { "choices" : [ {"delta":{"content":"caf\\u00e9 a"} ,"index": 0 } ],"x" : 1.50 }\nid: 1\n\n'
    )
    out = run(Stream("s", DIALECTS["openai.chat"], body), Makes(lambda text: text.replace(" a", " b")))
    assert out == body.replace(b' a"', b' b"')


def test_log_probabilities_do_not_tell_what_was_edited() -> None:
    choice = {"index": 0, "delta": {"content": "a secret"}, "logprobs": {"content": [{"token": "secret"}]}}
    stream = Stream("s", DIALECTS["openai.chat"], sse({"choices": [choice]}))
    assert b"secret" in run(stream, Makes())
    assert b"secret" not in run(stream, Makes(lambda text: text.replace("secret", "***")))


def test_quoted_pieces_of_the_answer_are_texts_too() -> None:
    grounding = {"groundingSupports": [{"segment": {"endIndex": 6, "text": "secret"}, "groundingChunkIndices": [0]}]}
    body = sse(gemini({"text": "A secret."}), gemini(finishReason="STOP", groundingMetadata=grounding))
    stream = Stream("s", DIALECTS["gemini.generate_content"], body)
    assert b"secret" not in run(stream, Makes(lambda text: text.replace("secret", "***")))


def test_a_whole_text_is_asked_for_once() -> None:
    asked: list[str] = []

    class Asked(Holding):
        def whole(self, text: str) -> str:
            asked.append(text)
            return text

    run(BY_NAME["responses"], lambda path, part, json: Asked(same))
    assert len(asked) == len(set(asked)) == 5


def test_a_key_given_twice_does_not_save_the_other_text() -> None:
    body = b'data: {"choices":[{"index":0,"delta":{"content":"secret 1","content":"secret 2"}}]}\n\n'
    out = run(Stream("s", DIALECTS["openai.chat"], body), Makes(lambda text: text.replace("secret", "***")))
    assert b"secret" not in out


def test_a_held_tail_goes_out_before_the_event_that_closes_it() -> None:
    stream = BY_NAME["anthropic"]
    out = run(stream, Makes(same, None))
    events = [json.loads(item[6:]) for item in out.decode().split("\n") if item.startswith("data: ")]
    kinds = [(event["type"], event.get("delta")) for event in events]
    at = kinds.index(("content_block_delta", {"type": "signature_delta", "signature": "s=="}))
    assert kinds[at - 1] == ("content_block_delta", {"type": "thinking_delta", "thinking": "Let me see."})
    last = len(kinds) - 1 - [kind for kind, _ in kinds][::-1].index("content_block_stop")
    assert kinds[last - 1][1] == {"type": "input_json_delta", "partial_json": '{"city": "Rīga"}'}


def test_sequence_numbers_never_fall() -> None:
    out = run(BY_NAME["responses"], Makes(same, None))
    numbers = [
        json.loads(item[6:])["sequence_number"] for item in out.decode().split("\n") if item.startswith("data: ")
    ]
    assert numbers == sorted(numbers)


def test_a_call_gets_its_tail_before_the_next_begins() -> None:
    out = run(BY_NAME["chat-tools"], Makes(same, None)).decode()
    assert 0 < out.index("One moment.") < out.index('"t0"') < out.index("Rīga") < out.index('"t1"') < out.index("utc")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chat-tools", {"/choices/0/message/tool_calls/0/function/arguments": (Part.TOOL_CALL, True)}),
        ("chat-custom", {"/choices/0/message/tool_calls/0/custom/input": (Part.TOOL_CALL, False)}),
        ("chat-mistral", {"/choices/0/message/content/0/thinking/0/text": (Part.REASONING, False)}),
        ("responses", {"/output/2/arguments": (Part.TOOL_CALL, True), "/output/3/input": (Part.TOOL_CALL, False)}),
        ("anthropic", {"/content/2/input": (Part.TOOL_CALL, True), "/content/1/text": (Part.ASSISTANT, False)}),
        ("gemini", {"/candidates/0/content/parts/2/functionCall/args": (Part.TOOL_CALL, True)}),
        (
            "code-assist",
            {
                "/response/candidates/0/content/parts/2/functionCall/args": (Part.TOOL_CALL, True),
                "/response/candidates/0/content/parts/0/text": (Part.REASONING, False),
            },
        ),
        (
            "cohere",
            {
                "/message/tool_plan": (Part.REASONING, False),
                "/message/tool_calls/0/function/arguments": (Part.TOOL_CALL, True),
                "/message/content/0/thinking": (Part.REASONING, False),
                "/message/content/1/text": (Part.ASSISTANT, False),
                "/message/citations/0/text": (Part.ASSISTANT, False),
                "/message/citations/0/sources/0/document/text": (Part.DOCUMENT, False),
            },
        ),
        ("ollama", {"/message/tool_calls/0/function/arguments": (Part.TOOL_CALL, True)}),
    ],
)
def test_what_a_filter_is_told(name: str, expected: dict[str, tuple[Part, bool]]) -> None:
    makes = Makes()
    run(BY_NAME[name], makes)
    assert expected.items() <= makes.asked.items()


def test_arguments_in_pieces_by_their_members() -> None:
    makes = Makes(swapped, None)
    out = run(PARTIAL, makes)
    assert {path: item.given for path, item in makes.made.items()} == {
        "/candidates/0/content/parts/0/functionCall/args/to": "jöhn"
    }
    assert "jöhn" in out.decode()


def test_an_event_of_an_unknown_shape_passes() -> None:
    body = sse({"choices": [{"index": "x", "delta": {"content": "a"}}]}, [1], {"choices": 7}) + b"data: no json\n\n"
    edits = editor(Stream("s", DIALECTS["openai.chat"], body), Makes(swapped))
    assert edits.feed(body) + edits.close() == body
    assert edits.unread == 4


EVENTS = {
    "openai.chat": [json.loads(item) for item in re.findall(rb"data: ({.*)", chat(*TOOLS) + chat(*TEXTS))],
    "openai.responses": response_events(),
    "anthropic.messages": ANTHROPIC,
    "cohere.chat": COHERE,
    "cohere.chat_v1": COHERE_V1,
    "gemini.code_assist": [{"response": event, "traceId": "t1"} for event in (*GEMINI, *GEMINI_PARTIAL)],
    "gemini.generate_content": [*GEMINI, *GEMINI_PARTIAL],
    "ollama.chat": OLLAMA,
}


@pytest.mark.parametrize("dialect", list(EVENTS))
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_anything_is_survived(dialect: str, data: st.DataObject) -> None:
    events = data.draw(mutated(EVENTS[dialect]))
    lines = dialect.startswith(("ollama", "cohere.chat_v1"))
    body = (ndjson if lines else sse)(*(events if isinstance(events, list) else [events]))
    stream = Stream("s", DIALECTS[dialect], body, NDJSON if lines else SSE)
    kept = editor(stream, Makes(strict=False))
    assert kept.feed(body) + kept.close() == body
    edits = editor(stream, Makes(swapped, data.draw(st.none() | st.integers(0, 9)), strict=False))
    upto = data.draw(st.integers(0, len(body)))
    out = edits.feed(body[:upto])
    out += edits.cut(REFUSAL) if data.draw(st.booleans()) else edits.feed(body[upto:]) + edits.close()
    stream.decode(out)


def test_more_texts_than_any_answer_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "MAX_TEXTS", 1)
    body = chat({"content": "o"}, {"refusal": "o"})
    edits = editor(Stream("s", DIALECTS["openai.chat"], body), Makes(swapped))
    assert (edits.feed(body) + edits.close()).count(b'"o"') == 1
    assert edits.unread == 1


def test_a_dialect_that_never_streams_passes() -> None:
    stream = Stream("s", DIALECTS["openai.embeddings"], b"data: {}\n\n")
    assert run(stream, Makes()) == stream.body


@pytest.mark.parametrize("stream", ALL)
def test_a_stream_that_breaks_off_loses_no_text(stream: Stream) -> None:
    broken = replace(stream, body=stream.body[: len(stream.body) * 2 // 3])
    edits = StreamEditor(stream.dialect, stream.cutter(), Makes(same, 4))
    out = edits.feed(broken.body) + edits.close()
    expected, found = stream.decode(broken.body), stream.decode(out)
    assert {item.path: item.text for item in found.segments} == {item.path: item.text for item in expected.segments}


def test_what_is_held_goes_out_where_only_the_events_name_says_its_kind() -> None:
    """As servers do that leave `type` out of the data."""
    named = b"event: response.output_text.%s\ndata: %s\n\n"
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    delta, done = ({**place, "delta": "held"}, {**place, "text": "held"})
    body = named % (b"delta", json.dumps(delta).encode()) + named % (b"done", json.dumps(done).encode())
    out = run(Stream("s", DIALECTS["openai.responses"], body), Makes(same, 9))
    assert out.count(b"event: response.output_text.delta\n") == 2
    assert out.count(b'"held"') == 2

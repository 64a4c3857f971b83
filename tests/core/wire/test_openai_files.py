"""OpenAI's files, batches and what it keeps: the texts in them are read, and their usage counts for no call."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import Operation, Request, Response
from midwatch_core.model.usage import Usage
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects.openai.batches import OpenAIBatches
from midwatch_core.wire.dialects.openai.files import OpenAIFiles
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from midwatch_core.wire.dialects.openai.stored import OpenAIStored
from midwatch_core.wire.target import Target
from tests.core.wire.wire_checks import anything, by_path, ndjson, read_request, read_response, read_stream, sse

FILES, BATCHES, STORED, RESPONSES = OpenAIFiles(), OpenAIBatches(), OpenAIStored(), OpenAIResponses()
DIALECTS: tuple[Dialect, ...] = (FILES, BATCHES, STORED)
CHAT = {"model": "gpt-5", "messages": [{"role": "user", "content": "Ahoy"}]}
LINES = ndjson(
    {"custom_id": "r1", "method": "POST", "url": "/v1/chat/completions", "body": CHAT},
    {"custom_id": "r2", "url": "/v1/responses", "body": {"model": "gpt-5", "instructions": "Brief", "input": "Hi"}},
    {"custom_id": "r3", "url": "/v1/embeddings", "body": {"model": "gpt-5", "input": ["a", "b"]}},
)


def upload(data: bytes, name: str = "in.jsonl", kind: str = "application/jsonl", **fields: str) -> Request:
    """A file as a client sends it up."""
    sent = httpx.Request("POST", "http://h/", data=fields, files={"file": (name, data, kind)})
    target = Target(host="h", path="/v1/files", headers={"content-type": sent.headers["content-type"]})
    return decode_request(FILES, sent.read(), target).request


def test_a_batch_s_file_is_read_as_the_requests_that_it_will_be() -> None:
    request = upload(LINES, purpose="batch")
    assert (request.operation, request.model, request.decode_error) == (Operation.FILES, "gpt-5", None)
    assert by_path(request) == {
        "/file/lines/0/body/messages/0/content": ("user", "Ahoy"),
        "/file/lines/1/body/instructions": ("system", "Brief"),
        "/file/lines/1/body/input": ("user", "Hi"),
        "/file/lines/2/body/input/0": ("embedding_input", "a"),
        "/file/lines/2/body/input/1": ("embedding_input", "b"),
    }
    assert request.parameters == {"purpose": "batch", "filename": "in.jsonl", "bytes": len(LINES)}


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (ndjson({"messages": CHAT["messages"]}), {"/file/lines/0/messages/0/content": ("user", "Ahoy")}),
        (ndjson({"custom_id": "1", "body": CHAT}), {"/file/lines/0/body/messages/0/content": ("user", "Ahoy")}),
        (
            ndjson({"url": "/v1/chat/completions", "body": {"prediction": {"content": "p"}, "tools": [{"type": "x"}]}}),
            {
                "/file/lines/0/body/tools/0": ("tool_definition", '{"type":"x"}'),
                "/file/lines/0/body/prediction/content": ("document", "p"),
            },
        ),
        (
            ndjson({"url": "/v1/videos", "body": {"prompt": "A ship"}}),
            {"/file/lines/0/body/prompt": ("user", "A ship")},
        ),
        (ndjson({"item": {"question": "Why?"}}), {"/file/lines/0/item/question": ("document", "Why?")}),
    ],
)
def test_other_files_of_lines_are_read_too(data: bytes, texts: dict[str, tuple[str, str]]) -> None:
    assert by_path(upload(data, purpose="fine-tune")) == texts


def test_a_line_that_is_no_json_is_noted_and_the_others_are_read() -> None:
    request = upload(ndjson({"messages": CHAT["messages"]}) + b"{broken\n" + ndjson({"messages": CHAT["messages"]}))
    assert list(by_path(request)) == ["/file/lines/0/messages/0/content", "/file/lines/2/messages/0/content"]
    assert request.decode_error is not None
    assert request.decode_error.startswith("line 2: ")


def test_a_file_that_is_text_is_read_and_any_other_is_counted() -> None:
    text = upload("Log: all quiet. Größe".encode(), "log.md", "text/markdown", purpose="user_data")
    assert by_path(text) == {"/file/text": ("document", "Log: all quiet. Größe")}
    document = json.dumps({"secret": "s", "deep": [1, {"a": "b"}]}, indent=1).encode()
    assert by_path(upload(document, "a.json", "application/json")) == {"/file/text": ("document", document.decode())}
    for data in (b"%PDF-1.7\0\xff", b"\xff\xfe\xfd"):
        binary = upload(data, "a.pdf", "application/pdf", purpose="assistants")
        assert binary.segments == ()
        assert binary.parameters == {"purpose": "assistants", "filename": "a.pdf", "bytes": len(data)}
        assert binary.decode_error is None


def test_a_part_of_a_large_upload_is_read() -> None:
    sent = httpx.Request("POST", "http://h/", files={"data": ("part", LINES)})
    target = Target(host="h", path="/v1/uploads/u/parts", headers={"content-type": sent.headers["content-type"]})
    request = decode_request(FILES, sent.read(), target).request
    assert by_path(request)["/data/lines/0/body/messages/0/content"] == ("user", "Ahoy")


RESULT = {
    "custom_id": "r1",
    "response": {
        "status_code": 200,
        "body": {
            "choices": [{"message": {"role": "assistant", "content": "Aye"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 1},
        },
    },
}
ITEM = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Aye"}]}


def test_results_of_a_batch_have_texts_and_no_usage() -> None:
    other = {"custom_id": "r2", "response": {"body": {"object": "response", "output": [ITEM]}}}
    found = read_response(FILES, ndjson(RESULT, other, {"custom_id": "r3", "response": {"body": None}}))
    assert by_path(found) == {
        "/0/response/body/choices/0/message/content": ("assistant", "Aye"),
        "/1/response/body/output/0/content/0/text": ("assistant", "Aye"),
    }
    assert (found.usage, found.decode_error) == (None, None)
    alone = read_response(FILES, ndjson(RESULT))
    assert by_path(alone) == {"/response/body/choices/0/message/content": ("assistant", "Aye")}


def test_a_file_that_comes_down_is_read_as_it_is() -> None:
    assert by_path(read_response(FILES, b"Log: all quiet.")) == {"": ("document", "Log: all quiet.")}
    assert read_response(FILES, b"\xff\xfe").segments == ()
    assert by_path(read_response(FILES, {"deck": ["upper"]})) == {"/deck/0": ("document", "upper")}
    assert by_path(read_response(FILES, ["a", {"b": "c"}])) == {"/0": ("document", "a"), "/1/b": ("document", "c")}
    failed = read_response(FILES, {"custom_id": "1", "response": None, "error": {"message": "no"}})
    assert failed.error is None
    made = read_response(FILES, {"id": "file-1", "object": "file", "bytes": 12, "filename": "in.jsonl"})
    assert (made.id, made.segments, made.decode_error) == ("file-1", (), None)


def test_a_batch_is_told_by_its_id_and_status() -> None:
    asked = {"input_file_id": "file-1", "endpoint": "/v1/responses", "completion_window": "24h"}
    request = read_request(BATCHES, asked)
    assert (request.operation, request.parameters, request.decode_error) == (Operation.BATCH, asked, None)
    usage = {"input_tokens": 18, "output_tokens": 10}
    found = read_response(BATCHES, {"id": "batch_1", "object": "batch", "status": "completed", "usage": usage})
    assert (found.id, found.raw_finish_reason, found.usage) == ("batch_1", "completed", None)
    inline = read_request(BATCHES, {"model": "mistral-small", "requests": [{"custom_id": "0", "body": CHAT}]})
    assert (inline.model, by_path(inline)) == (
        "mistral-small",
        {"/requests/0/body/messages/0/content": ("user", "Ahoy")},
    )


@pytest.mark.parametrize("dialect", [BATCHES, STORED], ids=["batches", "stored"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_without_a_word_is_read(dialect: Dialect, method: str) -> None:
    request = decode_request(dialect, b"", Target(host="h", path="/", method=method)).request
    assert (request.segments, request.parameters, request.decode_error) == ((), {}, None)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/responses", Operation.CHAT),
        ("/v1/responses/compact", Operation.COMPACT),
        ("/openai/responses/input_tokens", Operation.COUNT_TOKENS),
    ],
)
def test_a_response_s_path_says_what_it_is_for(path: str, operation: Operation) -> None:
    request = read_request(RESPONSES, {"model": "gpt-5", "input": "Ahoy"}, Target(host="h", path=path))
    assert (request.operation, by_path(request)) == (operation, {"/input": ("user", "Ahoy")})


def test_a_count_of_tokens_is_no_usage() -> None:
    found = read_response(RESPONSES, {"object": "response.input_tokens", "input_tokens": 5})
    assert (found.usage, found.decode_error) == (None, None)


def test_a_compaction_has_its_usage() -> None:
    usage = {"input_tokens": 90, "output_tokens": 9}
    items = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Ahoy"}]}]
    items.append({"type": "compaction", "encrypted_content": "x" * 300})
    found = read_response(RESPONSES, {"id": "c", "object": "response.compaction", "output": items, "usage": usage})
    assert found.usage == Usage(input_tokens=90, output_tokens=9)
    assert by_path(found) == {"/output/0/content/0/text": ("user", "Ahoy")}


FETCHED = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-5",
    "output": [ITEM],
    "usage": {"input_tokens": 9, "output_tokens": 3},
}


def test_a_response_that_is_fetched_has_no_usage_of_its_own() -> None:
    found = read_response(STORED, FETCHED)
    assert (found.id, found.model, found.usage, found.raw_finish_reason) == ("resp_1", "gpt-5", None, "completed")
    assert by_path(found) == {"/output/0/content/0/text": ("assistant", "Aye")}
    event = {"type": "response.completed", "response": FETCHED}
    streamed, _ = read_stream(STORED, [sse(event)])
    assert (streamed.usage, streamed.complete, by_path(streamed)) == (None, True, by_path(found))


def test_a_conversation_s_items_are_read() -> None:
    target = Target(host="h", path="/v1/conversations/conv_1/items", captures={"conversation": "conv_1"})
    request = read_request(STORED, {"items": [{"role": "user", "content": "Ahoy"}]}, target)
    assert (request.operation, request.conversation_id) == (Operation.STORED, "conv_1")
    assert by_path(request) == {"/items/0/content": ("user", "Ahoy")}
    listed = read_response(STORED, {"object": "list", "data": [ITEM, {**ITEM, "role": "user"}]})
    assert by_path(listed) == {
        "/data/0/content/0/text": ("assistant", "Aye"),
        "/data/1/content/0/text": ("user", "Aye"),
    }
    assert by_path(read_response(STORED, ITEM)) == {"/content/0/text": ("assistant", "Aye")}
    made = read_response(STORED, {"id": "conv_1", "object": "conversation", "metadata": {"deck": "upper"}})
    assert (made.id, made.segments, made.decode_error) == ("conv_1", (), None)


@given(anything, st.sampled_from(DIALECTS), st.sampled_from([200, 404]))
def test_nothing_that_is_fed_to_them_raises(value: Any, dialect: Dialect, status: int) -> None:
    for body in (value, {"items": value, "requests": value, "file": value}, {"file": {"lines": value, "text": value}}):
        assert isinstance(read_request(dialect, body), Request)
    line = {"custom_id": "1", "url": value, "body": value, "response": {"body": value}, "messages": value}
    for body in (value, {"output": value, "data": value}, [line], {"choices": value, "usage": value, **line}):
        assert isinstance(read_response(dialect, body, status), Response)
    assert isinstance(read_response(dialect, ndjson(line, value), status), Response)
    assert isinstance(upload(ndjson(line, {"body": {"messages": value, "input": value}}, value)), Request)


@given(st.binary(max_size=60))
def test_any_file_is_borne(data: bytes) -> None:
    assert upload(data).decode_error is None or data
    assert isinstance(read_response(FILES, data), Response)

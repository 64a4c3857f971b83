"""What the real client libraries make of edited and cut streams: no parse error, at any place of a cut."""

import functools
import http.server
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import anthropic
import boto3
import openai
import pytest
from botocore.config import Config
from botocore.exceptions import EventStreamError
from google import genai
from google.genai import types

from tests.core.wire.editing.filters import Makes, run, same, swapped
from tests.core.wire.editing.streams import AWS, OWN, SIMULATED, SSE, Stream
from tests.core.wire.editing.test_cut import cut_after, raw_pieces

type Use = Callable[[bytes], list[Any]]

MESSAGES: Any = [{"role": "user", "content": "Hi"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
]


class Provider(http.server.ThreadingHTTPServer):
    """A provider on the loopback interface; `body`, of type `kind`, is its answer to every call."""

    body = b""
    kind = SSE


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Provider)
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", self.server.kind)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


PROVIDER = Provider(("127.0.0.1", 0), _Handler)
URL = f"http://127.0.0.1:{PROVIDER.server_port}"


@pytest.fixture(autouse=True, scope="module")
def _running() -> Iterator[None]:
    thread = threading.Thread(target=PROVIDER.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield
    PROVIDER.shutdown()
    PROVIDER.server_close()
    thread.join()


@functools.cache
def _openai() -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url=f"{URL}/v1", max_retries=0)


@functools.cache
def _anthropic() -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="k", base_url=URL, max_retries=0)


@functools.cache
def _gemini() -> genai.Client:
    return genai.Client(api_key="k", http_options=types.HttpOptions(base_url=URL))


@functools.cache
def _bedrock() -> Any:
    config = Config(retries={"total_max_attempts": 1}, proxies={})
    return boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=URL,
        aws_access_key_id="k",
        aws_secret_access_key="k",
        config=config,
    )


@functools.cache
def _anthropic_on_bedrock() -> anthropic.AnthropicBedrock:
    return anthropic.AnthropicBedrock(
        aws_access_key="k", aws_secret_key="k", aws_region="us-east-1", base_url=URL, max_retries=0
    )


@pytest.fixture(autouse=True)
def _answering_in_sse() -> Iterator[None]:
    yield
    PROVIDER.kind = SSE


def openai_client(body: bytes) -> openai.OpenAI:
    PROVIDER.body = body
    return _openai()


def anthropic_client(body: bytes) -> anthropic.Anthropic:
    PROVIDER.body = body
    return _anthropic()


def gemini_client(body: bytes) -> genai.Client:
    PROVIDER.body = body
    return _gemini()


def chat(body: bytes) -> list[Any]:
    return list(openai_client(body).chat.completions.create(model="m", messages=MESSAGES, stream=True))


def chat_helper(body: bytes) -> list[Any]:
    with openai_client(body).chat.completions.stream(model="m", messages=MESSAGES) as stream:
        events: list[Any] = list(stream)
        try:
            return [*events, stream.get_final_completion()]
        except openai.ContentFilterFinishReasonError:  # the helper's own word for it
            return events


def chat_helper_strict(body: bytes) -> list[Any]:
    try:
        with openai_client(body).chat.completions.stream(model="m", messages=MESSAGES, tools=TOOLS) as stream:
            return list(stream)
    except openai.ContentFilterFinishReasonError:
        return []


def completions(body: bytes) -> list[Any]:
    return list(openai_client(body).completions.create(model="m", prompt="Hi", stream=True))


def responses(body: bytes) -> list[Any]:
    return list(openai_client(body).responses.create(model="m", input="Hi", stream=True))


def responses_helper(body: bytes) -> list[Any]:
    with openai_client(body).responses.stream(model="m", input="Hi") as stream:
        return list(stream)


def messages(body: bytes) -> list[Any]:
    return list(anthropic_client(body).messages.create(model="m", max_tokens=9, messages=MESSAGES, stream=True))


def messages_helper(body: bytes) -> list[Any]:
    with anthropic_client(body).messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
        events: list[Any] = list(stream)
        return [*events, stream.get_final_message()]


def generate(body: bytes) -> list[Any]:
    stream: Iterable[Any] = gemini_client(body).models.generate_content_stream(model="m", contents="Hi")
    return list(stream)


def converse_stream(body: bytes) -> list[Any]:
    PROVIDER.body, PROVIDER.kind = body, AWS
    asked = [{"role": "user", "content": [{"text": "Hi"}]}]
    return list(_bedrock().converse_stream(modelId="m", messages=asked)["stream"])


def invoke_stream(body: bytes) -> list[Any]:
    PROVIDER.body, PROVIDER.kind = body, AWS
    events = _bedrock().invoke_model_with_response_stream(modelId="m", body=b"{}")["body"]
    try:
        return [json.loads(event["chunk"]["bytes"]) for event in events]
    except EventStreamError:  # a cut before the first chunk, whose format nobody knows yet
        return []


def messages_on_bedrock(body: bytes) -> list[Any]:
    PROVIDER.body, PROVIDER.kind = body, AWS
    with _anthropic_on_bedrock().messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
        events: list[Any] = list(stream)
        return [*events, stream.get_final_message()]


USES: dict[str, list[Use]] = {
    "bedrock.converse": [converse_stream],
    "bedrock.invoke": [invoke_stream],
    "openai.chat": [chat, chat_helper, chat_helper_strict],
    "openai.completions": [completions],
    "openai.responses": [responses, responses_helper],
    "anthropic.messages": [messages, messages_helper],
    "gemini.generate_content": [generate],
}
# What the library can't read as the provider sends it: no helper for a choice 1 first, lists as content, bare CR, …
_ODD = {"chat-mistral", "chat-choices", "chat-same-index", "chat-custom", "chat-details"}
CASES = [
    pytest.param(stream, use, id=f"{stream.name}-{use.__name__}")
    for stream in (*OWN, *SIMULATED)
    for use in USES.get(stream.dialect.id, [])
    if stream.kind.startswith((SSE, AWS)) and not (stream.name in _ODD and "helper" in use.__name__)
]


@pytest.mark.parametrize(("stream", "use"), CASES)
def test_edited_and_held(stream: Stream, use: Use) -> None:
    plain = use(stream.body)
    assert plain
    for hold in (0, 4, None):
        assert len(use(run(stream, Makes(swapped, hold)))) >= len(plain) or "helper" in use.__name__


@pytest.mark.parametrize(("stream", "use"), CASES)
def test_cut_anywhere(stream: Stream, use: Use) -> None:
    pieces = raw_pieces(stream)
    for count in range(0, len(pieces), max(1, len(pieces) // 16)):
        use(b"".join(cut_after(stream, count, hold=count % 2 * 4)))


def by_name(name: str) -> Stream:
    return next(stream for stream in OWN if stream.name == name)


def cut(name: str, count: int) -> bytes:
    return b"".join(cut_after(by_name(name), count))


def test_openai_says_that_it_was_filtered() -> None:
    assert chat(cut("chat", 3))[-1].choices[0].finish_reason == "content_filter"
    done = chat_helper(cut("chat", 3))[-1]
    assert (done.type, done.content) == ("content.done", "Grüße 😀 an ")
    with (
        pytest.raises(openai.ContentFilterFinishReasonError),
        openai_client(cut("chat-tools", 5)).chat.completions.stream(
            model="m", messages=MESSAGES, tools=TOOLS
        ) as stream,
    ):
        list(stream)
    last = responses(cut("responses", 14))[-1]
    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", "content_filter")


def test_anthropic_says_that_it_was_refused() -> None:
    final = messages_helper(cut("anthropic", 9))[-1]
    assert final.stop_reason == "refusal"
    assert final.stop_details.explanation == "Cut by policy."
    assert final.content[1].text == "Grüße "
    ended = [
        event for event in messages_helper(cut("anthropic", 14)) if getattr(event, "type", "") == "content_block_stop"
    ]
    assert [event.index for event in ended] == [0, 1]  # the tool's block has no end


def test_converse_says_that_it_was_filtered() -> None:
    assert converse_stream(cut("bedrock-converse", 7))[-1]["messageStop"]["stopReason"] == "content_filtered"
    tool = converse_stream(cut("bedrock-converse", 12))
    assert [event["contentBlockStop"]["contentBlockIndex"] for event in tool if "contentBlockStop" in event] == [0, 1]
    assert invoke_stream(cut("bedrock-titan", 1))[-1]["completionReason"] == "CONTENT_FILTERED"
    assert invoke_stream(cut("bedrock-titan", 0)) == []


def test_anthropics_library_reads_what_is_edited_and_cut_on_bedrock() -> None:
    whole = messages_on_bedrock(run(by_name("bedrock-anthropic"), Makes(swapped, None)))[-1]
    assert whole.content[1].text == swapped("Grüße an alle.")
    assert whole.content[2].input == {swapped("city"): "Rīga"}
    final = messages_on_bedrock(cut("bedrock-anthropic", 9))[-1]
    assert (final.stop_reason, final.content[1].text) == ("refusal", "Grüße ")


def test_gemini_says_that_it_was_unsafe() -> None:
    last = generate(cut("gemini", 3))[-1]
    assert last.candidates[0].finish_reason is types.FinishReason.SAFETY


def test_held_arguments_arrive_whole() -> None:
    out = run(by_name("chat-tools"), Makes(same, None))
    final = chat_helper(out)[-1]
    assert [call.function.arguments for call in final.choices[0].message.tool_calls] == [
        '{"city": "Rīga"}',
        '{"zone": "utc"}',
    ]
    message = messages_helper(run(by_name("anthropic"), Makes(same, None)))[-1]
    assert message.content[2].input == {"city": "Rīga"}

"""OpenAI's moderations, pictures and sound: what is said is read, bytes are counted, and anything at all is borne."""

import base64
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.model.content import FinishReason, Operation, Request, Response
from midwatch_core.model.usage import Usage
from midwatch_core.wire.binary import is_binary, omitted_bytes
from midwatch_core.wire.decoding import decode_request
from midwatch_core.wire.dialect import Dialect, Refusal
from midwatch_core.wire.dialects.openai.images import OpenAIImages
from midwatch_core.wire.dialects.openai.moderations import OpenAIModerations
from midwatch_core.wire.dialects.openai.speech import OpenAISpeech
from midwatch_core.wire.dialects.openai.transcriptions import OpenAITranscriptions
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target
from tests.core.wire.wire_checks import anything, by_path, cuts, read_request, read_response, read_stream, split_at, sse

MODERATIONS, IMAGES, SPEECH, HEARD = OpenAIModerations(), OpenAIImages(), OpenAISpeech(), OpenAITranscriptions()
DIALECTS: tuple[Dialect, ...] = (MODERATIONS, IMAGES, SPEECH, HEARD)
PIXEL = base64.b64encode(b"\x89PNG" * 100).decode()
REFUSAL = Refusal(status=403, code="blocked_by_policy", message="No.", request_id="r1")


def form(dialect: Dialect, files: Any, **fields: Any) -> Request:
    """A request as a client writes a form of these fields and files."""
    sent = httpx.Request("POST", "http://h/", data=fields, files=files)
    target = Target(host="h", path="/", headers={"content-type": sent.headers["content-type"]})
    return decode_request(dialect, sent.read(), target).request


@pytest.mark.parametrize(
    ("asked", "texts"),
    [
        ("Ahoy", {"/input": ("user", "Ahoy")}),
        (["Ahoy", "there"], {"/input/0": ("user", "Ahoy"), "/input/1": ("user", "there")}),
        (
            [{"type": "text", "text": "Ahoy"}, {"type": "image_url", "image_url": {"url": "data:,x"}}],
            {"/input/0/text": ("user", "Ahoy")},
        ),
        ([[{"role": "user", "content": "Ahoy"}]], {"/input/0/0/content": ("user", "Ahoy")}),  # Mistral's chats
    ],
)
def test_what_is_to_be_moderated_is_read(asked: Any, texts: dict[str, tuple[str, str]]) -> None:
    request = read_request(MODERATIONS, {"model": "omni-moderation-latest", "input": asked})
    assert (request.operation, request.model) == (Operation.MODERATION, "omni-moderation-latest")
    assert by_path(request) == texts
    assert request.decode_error is None


def test_flagged_categories_are_the_finish() -> None:
    calm = {"flagged": False, "categories": {"hate": False}}
    hit = {"flagged": True, "categories": {"violence": True, "hate": False, "sexual": True}}
    found = read_response(MODERATIONS, {"id": "modr-1", "model": "omni-1", "results": [calm, hit]})
    assert (found.finish_reason, found.raw_finish_reason) == (FinishReason.CONTENT_FILTER, "violence, sexual")
    assert read_response(MODERATIONS, {"results": [calm]}).finish_reason is FinishReason.STOP
    assert read_response(MODERATIONS, {"results": [{"flagged": True}]}).raw_finish_reason == "flagged"
    assert read_response(MODERATIONS, {"error": {"message": "no"}}, 401).finish_reason is FinishReason.ERROR


def test_a_picture_s_prompt_is_read_as_json_and_as_a_form() -> None:
    asked = {"model": "gpt-image-1", "prompt": "A ship", "n": 2, "size": "1024x1024", "stream": True}
    request = read_request(IMAGES, asked)
    assert (request.operation, request.model, request.stream) == (Operation.IMAGE, "gpt-image-1", True)
    assert by_path(request) == {"/prompt": ("user", "A ship")}
    assert request.parameters == {"n": 2, "size": "1024x1024"}
    files = [("image[]", ("a.png", b"\x89PNG")), ("image[]", ("b.png", b"\x89PNG")), ("mask", ("m.png", b"\x89"))]
    edited = form(IMAGES, files, model="gpt-image-1", prompt="A sail", n="1", stream="true")
    assert (edited.model, edited.stream, edited.decode_error) == ("gpt-image-1", True, None)
    assert by_path(edited) == {"/prompt": ("user", "A sail")}
    assert edited.parameters == {"n": "1"}
    assert form(IMAGES, {"image": ("a.png", b"\x89PNG")}).segments == ()


def test_pictures_are_counted_and_not_kept() -> None:
    usage = {"input_tokens": 9, "input_tokens_details": {"text_tokens": 9, "image_tokens": 0}, "output_tokens": 1056}
    found = read_response(IMAGES, {"created": 1, "data": [{"b64_json": PIXEL}, {"b64_json": PIXEL}], "usage": usage})
    assert found.segments == ()
    assert found.usage == Usage(input_tokens=9, output_tokens=1056, input_image_tokens=0, output_image_tokens=1056)
    drawn = read_response(IMAGES, {"data": [{"url": "https://x/y", "revised_prompt": "A ship in oil"}]})
    assert by_path(drawn) == {"/data/0/revised_prompt": ("assistant", "A ship in oil")}
    assert drawn.usage is None


@given(cuts)
def test_pictures_as_they_are_drawn(cut: list[int]) -> None:
    usage = {"input_tokens": 9, "output_tokens": 100}
    partial = {"type": "image_generation.partial_image", "b64_json": PIXEL, "partial_image_index": 0}
    last = {"type": "image_generation.completed", "b64_json": PIXEL, "usage": usage}
    found, _ = read_stream(IMAGES, split_at(sse(partial, last, last, named=True), cut))
    assert found.usage == Usage(input_tokens=18, output_tokens=200, input_image_tokens=0, output_image_tokens=200)
    assert (found.complete, found.finish_reason, found.decode_error) == (True, FinishReason.STOP, None)
    broken, _ = read_stream(IMAGES, [sse(partial, named=True)])
    assert not broken.complete


def test_what_is_to_be_spoken_is_read() -> None:
    asked = {"model": "tts-1", "input": "Ahoy", "instructions": "Like a pirate", "voice": "alloy"}
    request = read_request(SPEECH, asked)
    assert (request.operation, request.model, request.stream) == (Operation.SPEECH, "tts-1", False)
    assert by_path(request) == {"/instructions": ("system", "Like a pirate"), "/input": ("user", "Ahoy")}
    assert request.parameters == {"voice": "alloy"}
    assert read_request(SPEECH, asked | {"stream_format": "sse"}).stream


@pytest.mark.parametrize("sound", [b"ID3\x04\x00", b"{\x00\x01", b":\x00\x01\n\n", b"data: \x00\n\n", b"{}x" * 1000])
@pytest.mark.parametrize("content_type", ["audio/mpeg", "audio/pcm; rate=24000"])
def test_sound_is_counted_whatever_its_bytes_are(sound: bytes, content_type: str) -> None:
    decoder = ResponseDecoder(SPEECH, status=200, content_type=content_type, content_encoding="", asked_to_stream=False)
    for byte in range(len(sound)):
        decoder.feed(sound[byte : byte + 1])
    decoded = decoder.finish()
    assert decoded.document == {"$omitted": len(sound)}
    assert (decoded.response.audio_bytes, decoded.response.decode_error) == (len(sound), None)
    assert decoded.response.complete
    assert not decoder.streamed


def test_sound_that_breaks_off_is_counted_so_far() -> None:
    decoder = ResponseDecoder(SPEECH, status=200, content_type="audio/aac", content_encoding="", asked_to_stream=False)
    decoder.feed(b"12345")
    response = decoder.finish(in_order=False).response
    assert (response.audio_bytes, response.complete, response.decode_error) == (5, False, "the answer broke off")


def test_sound_without_a_telling_content_type_is_counted_too() -> None:
    assert read_response(SPEECH, b"{\x00\x01").audio_bytes == 3
    assert read_response(SPEECH, b"\xff\xf3").audio_bytes == 2
    assert read_response(SPEECH, {"error": {"message": "slow down"}}, 429).error is not None


def test_sound_in_events_has_usage() -> None:
    events = [
        {"type": "speech.audio.delta", "audio": base64.b64encode(b"12345").decode()},
        {"type": "speech.audio.delta", "audio": base64.b64encode(b"678").decode()},
        {"type": "speech.audio.done", "usage": {"input_tokens": 3, "output_tokens": 90, "total_tokens": 93}},
    ]
    found, _ = read_stream(SPEECH, [sse(*events)])
    assert found.audio_bytes == 8
    assert found.usage == Usage(input_tokens=3, output_tokens=90)
    assert (found.complete, found.finish_reason) == (True, FinishReason.STOP)


def test_a_file_of_sound_is_counted_and_the_words_beside_it_are_read() -> None:
    fields = {"model": "gpt-4o-transcribe", "prompt": "Names: Ishmael", "language": "en", "stream": "true"}
    request = form(HEARD, {"file": ("talk.wav", b"RIFF\0\0\0\0", "audio/wav")}, **fields, **{"keywords[]": ["Ahab"]})
    assert (request.operation, request.model) == (Operation.TRANSCRIPTION, "gpt-4o-transcribe")
    assert (request.stream, request.audio_bytes, request.decode_error) == (True, 8, None)
    assert by_path(request) == {"/prompt": ("user", "Names: Ishmael"), "/keywords[]/0": ("user", "Ahab")}
    assert request.parameters == {"language": "en"}


TOKENS = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "input_token_details": {"audio_tokens": 14}}


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ({"usage": TOKENS}, Usage(input_tokens=14, output_tokens=5, input_audio_tokens=14)),
        ({"usage": {"type": "duration", "seconds": 8.2}}, Usage(tool_fees={"audio_seconds": 9})),
        ({"duration": "3.319999933242798"}, Usage(tool_fees={"audio_seconds": 4})),
        ({"duration": 1e300}, None),
        ({"duration": "soon"}, None),
        ({}, None),
    ],
)
def test_a_transcript_is_billed_by_tokens_or_by_seconds(answer: dict[str, Any], usage: Usage | None) -> None:
    found = read_response(HEARD, {"text": "Ahoy", **answer})
    assert found.usage == usage
    assert by_path(found) == {"/text": ("assistant", "Ahoy")}
    assert found.decode_error is None


def test_mistral_s_transcript_counts_tokens_and_seconds() -> None:
    usage = {"prompt_audio_seconds": 20, "prompt_tokens": 6, "completion_tokens": 50, "total_tokens": 356}
    found = read_response(HEARD, {"model": "voxtral-mini-2507", "text": "Ahoy", "usage": usage}).usage
    assert found == Usage(input_tokens=306, output_tokens=50, input_audio_tokens=300)


def test_passages_and_speakers_are_read_beside_the_whole() -> None:
    passages = [{"id": 0, "text": "Ahoy"}, {"id": 1, "text": "there", "speaker": "A"}]
    found = read_response(HEARD, {"text": "Ahoy there", "duration": 2, "segments": passages})
    assert list(by_path(found)) == ["/text", "/segments/0/text", "/segments/1/text"]


@pytest.mark.parametrize("text", ["Ahoy, 42", "42", "WEBVTT\n\n00:00.000 --> 00:01.000\nAhoy"])
def test_a_transcript_may_be_plain_text(text: str) -> None:
    found = read_response(HEARD, text.encode())
    assert by_path(found) == {"": ("assistant", text)}
    assert found.decode_error is None


HEARD_EVENTS = [
    {"type": "transcript.text.delta", "delta": "Ahoy "},
    {"type": "transcript.text.delta", "delta": "thére"},
    {"type": "transcript.text.segment", "id": "s", "speaker": "A", "text": "Ahoy thére"},
    {"type": "transcript.text.done", "text": "Ahoy thére", "usage": TOKENS},
]


@given(cuts)
def test_a_transcript_as_it_is_heard(cut: list[int]) -> None:
    found, _ = read_stream(HEARD, split_at(sse(*HEARD_EVENTS), cut))
    assert by_path(found) == {
        "/text": ("assistant", "Ahoy thére"),
        "/segments/0/text": ("assistant", "Ahoy thére"),
    }
    assert found.usage == Usage(input_tokens=14, output_tokens=5, input_audio_tokens=14)
    assert (found.complete, found.finish_reason, found.decode_error) == (True, FinishReason.STOP, None)


def test_a_transcript_of_its_end_alone_is_whole() -> None:
    found, _ = read_stream(HEARD, [sse(HEARD_EVENTS[-1])])
    assert by_path(found) == {"/text": ("assistant", "Ahoy thére")}


@pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.id for dialect in DIALECTS])
def test_refusals_are_openai_s_errors(dialect: Dialect) -> None:
    answer = dialect.refuse(REFUSAL)
    assert json.loads(answer.body)["error"]["code"] == "blocked_by_policy"
    found, _ = read_stream(dialect, [dialect.refuse_in_stream(REFUSAL)])
    assert found.error is not None
    assert found.complete


@given(anything, st.sampled_from(DIALECTS), st.sampled_from([200, 202, 400, 503]))
def test_nothing_that_is_fed_to_them_raises(value: Any, dialect: Dialect, status: int) -> None:
    assert isinstance(read_request(dialect, value), Request)
    assert isinstance(read_request(dialect, {"input": value, "prompt": value, "file": value, "stream": value}), Request)
    answer = dict.fromkeys(("results", "data", "usage", "segments", "text", "duration", "error"), value)
    assert isinstance(read_response(dialect, answer, status), Response)
    event = {"type": "transcript.text.done", "usage": value, "text": value, "error": value}
    kinds = ("speech.audio.delta", "speech.audio.done", "image_edit.completed", "transcript.text.segment")
    events = [event, *({"type": kind, "audio": value, "usage": value, "text": value} for kind in kinds)]
    assert isinstance(read_stream(dialect, [sse(*events)])[0], Response)


@given(st.binary(max_size=40), st.sampled_from(DIALECTS))
def test_any_bytes_are_borne(body: bytes, dialect: Dialect) -> None:
    target = Target(host="h", path="/", headers={"content-type": "multipart/form-data; boundary=b"})
    assert isinstance(decode_request(dialect, body, target).request, Request)
    assert isinstance(read_response(dialect, body), Response)


@pytest.mark.parametrize(
    ("content_type", "binary"),
    [("audio/mpeg", True), ("Image/PNG", True), ("application/json", False), ("", False), ("text/plain", False)],
)
def test_sound_and_pictures_are_binary(content_type: str, binary: bool) -> None:
    assert is_binary(content_type) is binary


@pytest.mark.parametrize("document", [{"$omitted": "x"}, {"$omitted": True}, {"$omitted": 1, "a": 2}, [], None])
def test_only_a_size_stands_for_bytes(document: Any) -> None:
    assert omitted_bytes(document) == 0

"""Sound, pictures, files and batches through the front door, by the real clients: read, ruled on, counted, unharmed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.e2e.talking import furnish, sim

BLOCKED, HIDDEN = "FORBIDDEN-WORD-7", "HIDDEN-WORD-8"
PACK = "\n".join(
    [
        'pack: {id: e2e/rest, version: 1, engine: ">=1", license: Apache-2.0}',
        "rules:",
        *(
            f"  - {{id: {name}, title: A word, severity: high, confidence: 0.9, maturity: stable, category: e2e_{name},"
            f" owasp: [LLM01:2025], match: {{any: [{{regex: '\\b{word}\\b'}}]}},"
            f" examples: {{match: ['a {word} b'], pass: [a word]}}}}"
            for name, word in (("blocked", BLOCKED), ("hidden", HIDDEN))
        ),
    ]
)
POLICY = """
policy: {id: e2e-rest, version: 1}
lines:
  - {id: no-requests, when: {direction: request, rule: e2e/rest/blocked}, then: block}
  - {id: hide, when: {direction: request, rule: e2e/rest/hidden}, then: redact}
  - {id: cut-answers, when: {direction: response, rule: e2e/rest/blocked}, then: cut}
  - {id: rest, then: flag}
"""
SOUND = ("talk.wav", b"RIFF\x00\xff" * 512 * 1024, "audio/wav")
ASKED: Any = {"model": "claude-haiku-4-5", "max_tokens": 64}
type Make = Callable[..., Any]


@pytest.fixture(scope="module")
def watched(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("rest")
    limits = [{"id": "tokens", "tokens": 200_000, "window_s": 3600}]
    with house_in(folder, "--policy", str(furnish(folder, PACK, POLICY)), settings={"limits": limits}) as running:
        yield running
        assert "crashed" not in running.log


@pytest.fixture
def openai_client(watched: Any) -> Make:
    def make(headers: dict[str, str]) -> openai.OpenAI:
        http = openai.DefaultHttpxClient(proxy=watched.proxy, verify=watched.trust(), timeout=60)
        return openai.OpenAI(api_key="sk-e2e", max_retries=0, http_client=http, default_headers=headers)

    return make


@pytest.fixture
def anthropic_client(watched: Any) -> Make:
    def make(headers: dict[str, str]) -> anthropic.Anthropic:
        http = anthropic.DefaultHttpxClient(proxy=watched.proxy, verify=watched.trust(), timeout=60)
        return anthropic.Anthropic(api_key="e2e", max_retries=0, http_client=http, default_headers=headers)

    return make


def sent(world: Any, way: Any) -> list[Any]:
    """What arrived at the provider."""
    return [item for item in world.providers.received if item.id == way.id]


def texts(whole: dict[str, Any], side: str) -> list[str]:
    return [item["text"] for item in whole[side]["segments"]]


def test_sound_that_is_heard_is_counted_and_spends_few_tokens(
    watched: Any, world: Any, openai_client: Make, trail: Any
) -> None:
    way = trail()
    client = openai_client(sim(way, answer="Ships ahoy"))
    heard = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND, prompt="Names: Ishmael")
    assert heard.text == "Ships ahoy"
    assert SOUND[1] in sent(world, way)[0].body
    row, whole = watched.row(way.id), watched.whole(way.id)
    assert (row["operation"], row["model"], row["action"]) == ("transcription", "gpt-4o-transcribe", "allow")
    assert (row["input_tokens"], row["output_tokens"]) == (heard.usage.input_tokens, 2)
    assert row["cost_usd"] is not None
    assert (texts(whole, "request"), texts(whole, "response")) == (["Names: Ishmael"], ["Ships ahoy"])
    assert whole["request"]["audio_bytes"] == len(SOUND[1])
    assert row["decode_error"] is None


def test_what_is_spoken_passes_untouched_while_answers_are_ruled_on(
    watched: Any, openai_client: Make, trail: Any
) -> None:
    way = trail()
    client = openai_client(sim(way, split=100))
    sound = client.audio.speech.create(model="tts-1", voice="alloy", input="Ships ahoy").content
    assert sound == b"S" * 320 + b" " * 320
    row, whole = watched.row(way.id), watched.whole(way.id)
    assert whole["response"]["audio_bytes"] == len(sound)
    assert (row["operation"], row["decode_error"], row["error"]) == ("speech", None, None)
    assert float(row["cost_usd"]) == pytest.approx(10 * 15 / 1e6)


def test_a_form_is_refused_where_it_may_not_go_or_can_not_be_redacted(
    watched: Any, world: Any, openai_client: Make, trail: Any
) -> None:
    for word, code in ((BLOCKED, "blocked_by_policy"), (HIDDEN, "redaction_failed")):
        way = trail()
        client = openai_client(sim(way))
        with pytest.raises(openai.PermissionDeniedError) as caught:
            client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF"), prompt=f"Say {word}")
        assert caught.value.code == code
        assert sent(world, way) == []
        assert watched.row(way.id)["action"] == "block"


def test_a_transcript_is_ruled_on_as_it_streams(watched: Any, openai_client: Make, trail: Any) -> None:
    way = trail()
    client = openai_client(sim(way, answer=f"One two {BLOCKED} three", gap_ms=5))
    stream = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", b"RIFF"), stream=True)
    events = list(stream)
    assert BLOCKED not in json.dumps([event.to_dict() for event in events])
    assert events[-1].type == "transcript.text.done"
    assert watched.row(way.id)["action"] == "cut"


def test_a_picture_s_prompt_is_redacted(watched: Any, world: Any, openai_client: Make, trail: Any) -> None:
    way = trail()
    client = openai_client(sim(way))
    stream = client.images.generate(model="gpt-image-1", prompt=f"A {HIDDEN}", stream=True, partial_images=1)
    assert [event.type for event in stream][-1] == "image_generation.completed"
    assert HIDDEN.encode() not in sent(world, way)[0].body
    row = watched.row(way.id)
    assert (row["operation"], row["action"], row["streamed"], row["output_tokens"]) == ("image", "redact", True, 1056)


def test_a_batch_is_read_in_its_file_and_in_its_results(
    watched: Any, world: Any, openai_client: Make, trail: Any
) -> None:
    up, bad, made, down = trail(), trail(), trail(), trail()
    line = {"custom_id": "r1", "url": "/v1/responses", "body": {"model": "gpt-5", "input": "Tell me about tides"}}
    data = json.dumps(line).encode()
    file = openai_client(sim(up)).files.create(file=("in.jsonl", data), purpose="batch")
    assert texts(watched.whole(up.id), "request") == ["Tell me about tides"]
    worse = data.replace(b"tides", BLOCKED.encode())
    with pytest.raises(openai.PermissionDeniedError):
        openai_client(sim(bad)).files.create(file=("in.jsonl", worse), purpose="batch")
    assert sent(world, bad) == []
    batches = openai_client(sim(made)).batches
    batch = batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    assert watched.row(made.id)["operation"] == "batch"
    content = openai_client(sim(down, answer="Aye")).files.content("file-2").text
    assert content.count("Aye") == 2
    assert batch.status == "validating"
    assert texts(watched.whole(down.id), "response") == ["Aye", "Aye"]


def test_messages_in_a_batch_are_read_and_nothing_counts_twice(
    watched: Any, anthropic_client: Make, trail: Any
) -> None:
    made, came, count = trail(), trail(), trail()
    asked: Any = [{"custom_id": "r1", "params": {**ASKED, "messages": [{"role": "user", "content": "Ahoy"}]}}]
    batch = anthropic_client(sim(made)).messages.batches.create(requests=asked)
    assert texts(watched.whole(made.id), "request") == ["Ahoy"]
    client = anthropic_client(sim(came, answer="Aye"))
    results = list(client.messages.batches.results(batch.id))
    assert [item.result.type for item in results] == ["succeeded", "errored"]
    rows = watched.rows(trace_id=came.id)  # the client looks first whether the batch has ended
    assert [(row["input_tokens"], row["cost_usd"]) for row in rows] == [(None, None)] * 2
    wholes = [watched.ask({"op": "exchange", "id": row["id"]})["exchange"] for row in rows]
    assert [text for whole in wholes for text in texts(whole, "response")] == ["Aye"]
    told = anthropic_client(sim(count)).messages.count_tokens(
        model="claude-haiku-4-5", messages=asked[0]["params"]["messages"]
    )
    row = watched.row(count.id)
    assert told.input_tokens > 0
    assert (row["operation"], row["input_tokens"], float(row["cost_usd"])) == ("count_tokens", None, 0)


def test_a_response_that_is_fetched_counts_no_tokens(watched: Any, openai_client: Make, trail: Any) -> None:
    way = trail()
    fetched = openai_client(sim(way)).responses.retrieve("resp_7")
    row = watched.row(way.id)
    assert (row["operation"], row["input_tokens"], row["output_tokens"]) == ("stored", None, None)
    assert fetched.output_text in texts(watched.whole(way.id), "response")


def test_a_moderation_says_what_it_flags(watched: Any, openai_client: Make, trail: Any) -> None:
    way = trail()
    assert openai_client(sim(way)).moderations.create(input="I will kill it").results[0].flagged
    row = watched.row(way.id)
    assert (row["operation"], row["finish_reason"], float(row["cost_usd"])) == ("moderation", "content_filter", 0)

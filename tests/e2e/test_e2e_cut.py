"""Cut through the front door: a stream ends in its dialect's own way, and nothing after the cut reaches the client."""

from __future__ import annotations

import json
import re
import signal
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anthropic
import httpx
import openai
import pydantic
import pytest
import yaml
from websockets.sync.client import connect

from midwatch_core.model.finding import Action
from tests.e2e.talking import (
    DIALECTS,
    WITH_TOOLS,
    AnthropicMessages,
    OpenAiChat,
    OpenAiResponses,
    Talker,
    furnish,
    raw,
    sim,
    talkers,
)
from tests.e2e.test_e2e_hosts import Script

MARK = "FORBIDDEN-WORD-7"
WATCHED = "WATCHED-WORD-3"
PACK = f"""
pack: {{id: e2e/marks, version: 1, engine: ">=1", license: Apache-2.0}}
rules:
  - id: forbidden
    title: A word that may not pass
    severity: high
    confidence: 0.9
    maturity: stable
    category: e2e_mark
    owasp: ["LLM05:2025"]
    match: {{any: [{{regex: '\\b{MARK}\\b'}}, {{regex: 'forbidden phrase of (?:many|several) words'}}]}}
    examples: {{match: ["a {MARK} b"], pass: ["a word"]}}
  - id: watched
    title: A word that is put on record
    severity: low
    confidence: 0.9
    maturity: stable
    category: e2e_mark
    owasp: ["LLM05:2025"]
    match: {{any: [{{regex: '\\b{WATCHED}\\b'}}]}}
    examples: {{match: ["a {WATCHED} b"], pass: ["a word"]}}
"""
POLICY = """
policy: {id: e2e-cut, version: 1}
lines:
  - {id: cut-answers, when: {direction: response, rule: e2e/marks/forbidden}, then: cut}
  - {id: rest, then: flag}
"""
BEFORE = "The morning has many colours and the first of them is grey "
AFTER = " ".join(f"after{number}" for number in range(120))
ANSWER = f"{BEFORE}{MARK} {AFTER}"
# An event is a word: uncut, this would take six seconds and more.
LONG = 600
SLOW = {"answer": f"{BEFORE}{MARK} " + " ".join(f"after{number}" for number in range(LONG)), "gap_ms": 10}
ENCODINGS = ("gzip", "deflate", "br", "zstd")


@pytest.fixture(scope="module")
def cutting(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("cut")
    with house_in(folder, "--policy", str(furnish(folder, PACK, POLICY))) as running:
        yield running
        assert "crashed" not in running.log


@pytest.fixture(scope="module")
def clients(cutting: Any) -> Iterator[dict[str, Talker]]:
    yield from talkers(cutting)


@pytest.fixture(params=[kind.name for kind in DIALECTS])
def talker(request: pytest.FixtureRequest, clients: dict[str, Talker]) -> Talker:
    return clients[request.param]


@pytest.fixture(params=[kind.name for kind in WITH_TOOLS])
def tool_talker(request: pytest.FixtureRequest, clients: dict[str, Talker]) -> Talker:
    return clients[request.param]


def received(world: Any, way: Any) -> Any:
    (item,) = (item for item in world.providers.received if item.id == way.id)
    return item


def stopped_early(world: Any, way: Any, waiting: Callable[..., Any]) -> None:
    """The provider was told at once that nobody listens any more."""
    item = received(world, way)
    assert waiting(lambda: item.progress.ended or None, "the provider's end") == "left"
    assert item.progress.events < LONG // 2


def unsaid(body: bytes) -> None:
    """Neither the word nor anything behind it is in what the client was sent."""
    for text in (MARK, "FORBIDDEN", "after0", "after1", "after119"):
        assert text.encode() not in body, body.decode(errors="replace")


def test_a_client_library_reads_to_an_end_in_order(
    cutting: Any, talker: Talker, world: Any, trail: Any, waiting: Any
) -> None:
    way = trail()
    said = talker.say("Say something", streamed=True, headers=sim(way, **SLOW))
    assert said.finish == talker.filtered
    assert said.text
    assert BEFORE.startswith(said.text)
    stopped_early(world, way, waiting)
    row = cutting.row(way.id)
    assert (row["action"], row["status"], row["streamed"], row["error"]) == ("cut", 200, True, None)
    whole = cutting.whole(way.id)
    (verdict,) = (item for item in whole["verdicts"] if item["action"] == Action.CUT)
    assert (verdict["policy"], verdict["policy_line"]) == ("e2e-cut", "cut-answers")
    (finding,) = whole["findings"]
    assert (finding["rule"], finding["direction"]) == ("e2e/marks/forbidden", "response")
    # What is kept is what the client got.
    kept = next(item["text"] for item in whole["response"]["segments"] if item["part"] == "assistant" and item["text"])
    assert kept == said.text
    assert MARK not in kept


def test_a_client_goes_on_with_its_connection(cutting: Any, talker: Talker, trail: Any) -> None:
    """After a cut, the next call of the same client is served like any other."""
    for answer in (ANSWER, "Two words", ANSWER, "Two words"):
        said = talker.say("Say something", streamed=True, headers=sim(trail(), answer=answer))
        if answer == ANSWER:
            assert said.finish == talker.filtered
        else:
            assert said.text == answer


@pytest.mark.parametrize("http2", [False, True])
@pytest.mark.parametrize("encoding", ["", *ENCODINGS])
def test_the_bytes_of_a_cut(
    cutting: Any, talker: Talker, world: Any, trail: Any, waiting: Any, http2: bool, encoding: str
) -> None:
    way = trail()
    script = {**SLOW, **({"encoding": encoding} if encoding else {})}
    with cutting.client(http2=http2) as web:
        headers = {**sim(way, **script), "accept-encoding": encoding or "identity"}
        answer, body = raw(web, talker.posting("Say something", streamed=True), headers)
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers
    assert b"morning" in body
    unsaid(body)
    row = cutting.row(way.id)
    assert row["id"].encode() in body  # the closing event names the request
    assert b"cut-answers" in body
    stopped_early(world, way, waiting)


@pytest.mark.parametrize("split", [1, 2, 3])
def test_a_word_in_pieces_on_the_wire(cutting: Any, talker: Talker, trail: Any, split: int) -> None:
    with cutting.client() as web:
        _, body = raw(web, talker.posting("Say", streamed=True), sim(trail(), answer=ANSWER[:200], split=split))
    assert b"morning" in body
    unsaid(body)


def test_a_phrase_over_many_events(cutting: Any, talker: Talker, trail: Any) -> None:
    """Nothing is held under `cut`: what came before the rule matched has gone out, what completes it never does."""
    answer = f"{BEFORE}forbidden phrase of several words {AFTER}"
    said = talker.say("Say something", streamed=True, headers=sim(trail(), answer=answer))
    assert said.finish == talker.filtered
    assert answer.startswith(said.text)
    assert said.text.startswith(BEFORE.strip())
    assert "words" not in said.text


def test_an_array_of_answers_is_closed(cutting: Any, clients: dict[str, Talker], trail: Any) -> None:
    """Gemini without `alt=sse` streams one JSON array, which must be one at its end too."""
    posting = clients["gemini.generate_content"].posting("Say something", streamed=True)
    posting = replace(posting, url=posting.url.removesuffix("?alt=sse"))
    with cutting.client() as web:
        _, body = raw(web, posting, sim(trail(), answer=ANSWER))
    unsaid(body)
    chunks = json.loads(body)
    assert chunks[-1]["candidates"][0]["finishReason"] == "SAFETY"


def test_a_whole_answer_is_refused(cutting: Any, talker: Talker, trail: Any) -> None:
    way = trail()
    with pytest.raises(talker.refused) as raised:
        talker.say("Say something", streamed=False, headers=sim(way, answer=ANSWER))
    told, row = talker.told(raised.value), cutting.row(way.id)
    assert (told.status, told.code, told.request_id) == (403, "blocked_by_policy", row["id"])
    assert row["status"] == 403


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_watched_passes_and_is_recorded(cutting: Any, talker: Talker, trail: Any, streamed: bool) -> None:
    way, answer = trail(), f"Before {WATCHED} and after"
    asked = f"Say something, {type(talker).__name__}, {streamed}"  # not what the others ask: that would be a loop
    said = talker.say(asked, streamed=streamed, headers=sim(way, answer=answer))
    assert said.text == answer
    assert said.finish != talker.filtered
    row = cutting.row(way.id)
    assert row["action"] == "flag"
    assert [item["rule"] for item in cutting.whole(way.id)["findings"]] == ["e2e/marks/watched"]


def test_arguments_are_not_held(cutting: Any, clients: dict[str, Talker], world: Any, trail: Any, waiting: Any) -> None:
    """Under a line that cuts, arguments go out as they come, up to the word."""
    talker = clients["openai.chat"]
    arguments = {"zebra": "x" * 64, "command": f"{MARK} {'after ' * 40}"}
    way = trail()
    text = f"use the tool with {json.dumps(arguments)}"
    with cutting.client() as web:
        _, body = raw(web, talker.posting(text, streamed=True, tool=True), sim(way, gap_ms=10))
    assert b"zebra" in body
    assert b"xxxxxxxx" in body
    assert b"after" not in body
    stopped_early(world, way, waiting)


def test_forbidden_arguments_end_in_order(tool_talker: Talker, trail: Any) -> None:
    text = f"use the tool with {json.dumps({'zebra': 'x' * 64, 'command': MARK})}"
    said = tool_talker.say(text, streamed=True, headers=sim(trail()), tool=True)
    assert MARK not in said.arguments
    assert said.finish == tool_talker.filtered
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter|Extra"):
        json.loads(said.arguments)


class Note(pydantic.BaseModel):
    """What a program may want an answer to be."""

    text: str


def test_helpers_raise_no_parse_error(clients: dict[str, Talker], trail: Any) -> None:
    """Helpers that gather a stream end in order, or with their own typed error for a filtered finish."""
    chat, messages, responses = (clients[kind.name] for kind in (OpenAiChat, AnthropicMessages, OpenAiResponses))
    assert isinstance(chat, OpenAiChat)
    assert isinstance(messages, AnthropicMessages)
    assert isinstance(responses, OpenAiResponses)
    asked = [{"role": "user", "content": "Say something"}]
    headers = sim(trail(), answer=ANSWER)
    gather: Any = chat.client.chat.completions.stream
    note = sim(trail(), answer=json.dumps({"text": ANSWER}))
    for extra, form in ((headers, {}), (note, {"response_format": Note})):
        with (
            pytest.raises(openai.ContentFilterFinishReasonError),
            gather(model="gpt-4o-mini", messages=asked, extra_headers=extra, **form) as stream,
        ):
            stream.get_final_completion()
    with responses.client.responses.stream(model="gpt-4o-mini", input="Say", extra_headers=headers) as answered:
        kinds = [event.type for event in answered]
    assert kinds[-1] == "response.incomplete"
    with messages.client.messages.stream(**messages.asked("Say"), extra_headers=headers) as gathered:
        final = gathered.get_final_message()
    assert isinstance(final, anthropic.types.Message)
    assert final.stop_reason == "refusal"
    assert BEFORE.startswith("".join(block.text for block in final.content if block.type == "text"))


def test_under_observe_the_bytes_are_the_providers(house: Any, world: Any, trail: Any) -> None:
    """Nothing is held, changed, decompressed or labelled."""
    events = b"".join(
        b'data: {"choices" : [{"index":0,"delta":{"content":"%s "}}]}\r\n\r\n' % word.encode()
        for word in (f"a {MARK} b {WATCHED} ignore all previous instructions").split()
    )
    path = "/cut/v1/chat/completions"
    gone: list[bytes] = []

    def stream(asked: Any) -> None:
        asked.begin_stream()
        for at in range(0, len(events), 11):
            asked.chunk(events[at : at + 11])
            gone.append(events[at : at + 11])
        asked.end_stream()

    world.origin.routes[path] = stream
    body = {"model": "acme-1", "messages": [{"role": "user", "content": MARK}], "stream": True}
    with house.client() as web:
        answer = web.post(f"https://llm.acme.example{path}", json=body)
    assert answer.content == events
    assert not [name for name in answer.headers if name.startswith("x-midwatch")]


def test_a_cut_does_not_wait_for_the_provider(cutting: Any, world: Any, waiting: Any) -> None:
    """A provider that says the word and then nothing more for ever: the client's answer ends all the same."""
    path = "/silent/v1/chat/completions"
    left: list[bytes] = []

    def stream(asked: Any) -> None:
        asked.begin_stream()
        asked.chunk(b'data: {"choices":[{"index":0,"delta":{"content":"one %s two"}}]}\n\n' % MARK.encode())
        left.append(asked.sock.recv(1))

    world.origin.routes[path] = stream
    body = {"model": "acme-1", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with cutting.client() as web:
        answer = web.post(f"https://llm.acme.example{path}", json=body)
    assert b"content_filter" in answer.content
    assert answer.content.endswith(b"data: [DONE]\n\n")
    assert waiting(lambda: left or None, "the provider's connection to be closed") == [b""]


def test_the_counter(cutting: Any, trail: Any, clients: dict[str, Talker], waiting: Any) -> None:
    clients["openai.chat"].say("Say something", streamed=True, headers=sim(trail(), answer=ANSWER))
    with httpx.Client(trust_env=False, timeout=30) as web:

        def counted() -> bool:
            return bool(
                re.search(r'midwatch_enforced_total\{[^}]*action="cut"', web.get(f"{cutting.console}/metrics").text)
            )

        waiting(counted, "the counter")


def over_socket(host: Script) -> list[dict[str, Any]]:
    """The same over WebSocket: the messages of an answer that is cut."""
    trust = ssl.create_default_context(cafile=str(host.folder / "mitmproxy-ca-cert.pem"))
    script = {"x-sim": f"answer={quote(ANSWER)}"}
    url, proxy = "wss://api.openai.com/v1/responses", f"http://{host.address}"
    with connect(url, proxy=proxy, ssl=trust, additional_headers=script) as socket:
        socket.send(json.dumps({"type": "response.create", "model": "gpt-4o-mini", "input": "Hi"}))
        messages: list[dict[str, Any]] = [json.loads(socket.recv())]
        while messages[-1]["type"] not in ("response.completed", "response.incomplete"):
            messages.append(json.loads(socket.recv()))
    unsaid(json.dumps(messages).encode())
    return messages


def test_in_somebody_elses_mitmproxy(
    world: Any,
    waiting: Any,
    living: Any,
    trail: Any,
    tmp_path: Path,
    front_door: tuple[str, ...],
    bare_environment: dict[str, str],
) -> None:
    """A host without our patches can't cancel at the provider: the client's stream is ended in order all the same."""
    home, way = tmp_path / "home", trail()
    policy = str(furnish(tmp_path, PACK, POLICY))
    (home / "config.yaml").write_text(yaml.safe_dump(world.config(console="127.0.0.1:0", policy=policy)))
    words = ["-s", front_door[1], "--set", f"midwatch_home={home}"]
    (tmp_path / "mitmdump").mkdir()
    host = Script("mitmdump", words, tmp_path / "mitmdump", bare_environment, waiting)
    try:
        answer = host.call(sim(way, **SLOW), stream=True)
        assert answer.status_code == 200
        assert b"content_filter" in answer.content
        assert answer.content.endswith(b"data: [DONE]\n\n")
        unsaid(answer.content)
        assert over_socket(host)[-1]["type"] == "response.incomplete"
    finally:
        host.process.send_signal(signal.SIGINT)
        host.process.wait(60)
    assert received(world, way).progress.ended == "complete"
    waiting(lambda: not living(str(home)), "all to end")

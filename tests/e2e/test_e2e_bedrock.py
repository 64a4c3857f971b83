"""Amazon Bedrock through the front door, by boto3: read, refused, redacted and cut as AWS itself would say it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from midwatch_core.model.finding import Action
from tests.e2e.talking import furnish, sim

NOVA = "amazon.nova-micro-v1:0"
HOST = "bedrock-runtime.us-east-1.amazonaws.com"
BLOCKED, HIDDEN, CUT = "FORBIDDEN-WORD-7", "HIDDEN-WORD-8", "FINAL-WORD-9"
PACK = "\n".join(
    [
        'pack: {id: e2e/marks, version: 1, engine: ">=1", license: Apache-2.0}',
        "rules:",
        *(
            f"  - {{id: {name}, title: A word, severity: high, confidence: 0.9, maturity: stable, category: e2e_{name},"
            f" owasp: [LLM01:2025], match: {{any: [{{regex: '\\b{word}\\b'}}]}},"
            f" examples: {{match: ['a {word} b'], pass: [a word]}}}}"
            for name, word in (("blocked", BLOCKED), ("hidden", HIDDEN), ("cut", CUT))
        ),
    ]
)
POLICY = """
policy: {id: e2e-bedrock, version: 1}
lines:
  - {id: no-requests, when: {direction: request, rule: e2e/marks/blocked}, then: block}
  - {id: hide, when: {direction: request, rule: e2e/marks/hidden}, then: redact}
  - {id: cut-answers, when: {direction: response, rule: e2e/marks/cut}, then: cut}
  - {id: rest, then: flag}
"""
type MakeClient = Callable[..., Any]


@pytest.fixture(scope="module")
def watched(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("bedrock")
    with house_in(folder, "--policy", str(furnish(folder, PACK, POLICY))) as running:
        yield running
        assert "crashed" not in running.log


@pytest.fixture
def client(watched: Any) -> MakeClient:
    """Makes a client whose calls carry these headers."""

    def make(headers: dict[str, str]) -> Any:
        made = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            aws_access_key_id="AKIAE2E",
            aws_secret_access_key="e2e",
            verify=str(watched.home.ca_certificate),
            config=Config(proxies={"https": watched.proxy}, retries={"total_max_attempts": 1}),
        )
        made.meta.events.register("before-send.*", lambda request, **_: request.headers.update(headers))
        return made

    return make


def asks(text: str) -> Any:
    return [{"role": "user", "content": [{"text": text}]}]


def test_a_whole_answer_is_read_in_full(watched: Any, client: MakeClient, trail: Any) -> None:
    way = trail()
    done = client(sim(way)).converse(modelId=NOVA, messages=asks("Tell me about tides"), system=[{"text": "Be brief."}])
    row = watched.row(way.id)
    assert (row["provider"], row["dialect"], row["model"]) == ("aws.bedrock", "bedrock.converse", NOVA)
    usage = done["usage"]
    assert (row["input_tokens"], row["output_tokens"]) == (usage["inputTokens"], usage["outputTokens"])
    assert row["cost_usd"] is not None
    whole = watched.whole(way.id)
    texts = {item["part"]: item["text"] for item in whole["request"]["segments"]}
    assert texts == {"system": "Be brief.", "user": "Tell me about tides"}
    assert whole["response"]["segments"][0]["text"] == done["output"]["message"]["content"][0]["text"]
    assert whole["response"]["id"] == done["ResponseMetadata"]["RequestId"]
    assert whole["request"]["parameters"]["region"] == "us-east-1"


def test_a_stream_that_is_watched_keeps_every_byte(watched: Any, world: Any, trail: Any) -> None:
    way = trail()
    path, body = f"/model/{NOVA.replace(':', '%3A')}/converse-stream", {"messages": asks("Tell me about tides")}
    direct = httpx.post(f"http://127.0.0.1:{world.providers.http_port}{path}", json=body, timeout=60)
    with watched.client() as web:
        through = web.post(f"https://{HOST}{path}", json=body, headers=sim(way, split=7))
    assert through.content == direct.content
    assert through.headers["content-type"] == direct.headers["content-type"] == "application/vnd.amazon.eventstream"
    row = watched.row(way.id)
    assert (row["streamed"], row["model"], row["decode_error"], row["error"]) == (True, NOVA, None, None)
    assert row["finish_reason"] == "stop"


def test_a_blocked_call_raises_awss_own_error(watched: Any, client: MakeClient, trail: Any) -> None:
    way = trail()
    with pytest.raises(ClientError) as caught:
        client(sim(way)).converse_stream(modelId=NOVA, messages=asks(f"Say {BLOCKED}"))
    error, meta = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    assert (error["Code"], meta["HTTPStatusCode"]) == ("AccessDeniedException", 403)
    assert "e2e-bedrock, line no-requests" in error["Message"]
    row = watched.row(way.id)
    assert (row["action"], row["status"]) == ("block", 403)
    assert meta["RequestId"] == row["id"]


def test_a_cut_stream_ends_in_order(watched: Any, client: MakeClient, trail: Any) -> None:
    way = trail()
    script = {"answer": f"One two three {CUT} four five", "gap_ms": 5}
    events = list(client(sim(way, **script)).converse_stream(modelId=NOVA, messages=asks("Speak"))["stream"])
    said = "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event)
    assert said
    assert "One two three ".startswith(said)
    assert events[-1]["messageStop"]["stopReason"] == "content_filtered"
    assert json.dumps(events).count("contentBlockStop") == 1
    row = watched.row(way.id)
    assert (row["action"], row["streamed"], row["error"]) == ("cut", True, None)
    (verdict,) = (item for item in watched.whole(way.id)["verdicts"] if item["action"] == Action.CUT)
    assert verdict["policy_line"] == "cut-answers"


def test_a_signed_request_that_would_be_redacted_is_refused_and_one_with_a_key_is_redacted(
    watched: Any, world: Any, client: MakeClient, trail: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed, keyed = trail(), trail()
    with pytest.raises(ClientError, match="SigV4") as caught:
        client(sim(signed)).converse(modelId=NOVA, messages=asks(f"Hide {HIDDEN}"))
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert all(item.id != signed.id for item in world.providers.received)
    assert watched.row(signed.id)["action"] == "block"
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-e2e")
    asked = asks(f"Repeat after me: Hide {HIDDEN}")
    done = client(sim(keyed)).converse(modelId=NOVA, messages=asked)
    assert done["output"]["message"]["content"][0]["text"] == f"Hide {HIDDEN}"
    (sent,) = (item for item in world.providers.received if item.id == keyed.id)
    assert HIDDEN.encode() not in sent.body
    assert watched.row(keyed.id)["action"] == "redact"

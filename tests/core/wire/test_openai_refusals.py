"""Refusals in OpenAI's shape, as its real client library takes them from a real server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from midwatch_core.model.content import ProviderError
from midwatch_core.wire.dialect import Answer, Dialect, Refusal
from midwatch_core.wire.dialects.openai.chat import OpenAIChat
from midwatch_core.wire.dialects.openai.completions import OpenAICompletions
from midwatch_core.wire.dialects.openai.embeddings import OpenAIEmbeddings
from midwatch_core.wire.dialects.openai.responses import OpenAIResponses
from tests.core.wire.loopback import answering
from tests.core.wire.wire_checks import read_response, read_stream, sse

Call = Callable[[openai.OpenAI, bool], Any]


def chat(client: openai.OpenAI, stream: bool) -> Any:
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=stream)


def completions(client: openai.OpenAI, stream: bool) -> Any:
    return client.completions.create(model="m", prompt="x", stream=stream)


def embeddings(client: openai.OpenAI, stream: bool) -> Any:
    return client.embeddings.create(model="m", input="x")


def responses(client: openai.OpenAI, stream: bool) -> Any:
    return client.responses.create(model="m", input="x", stream=stream)


CALLS: list[tuple[Dialect, Call]] = [
    (OpenAIChat(), chat),
    (OpenAICompletions(), completions),
    (OpenAIEmbeddings(), embeddings),
    (OpenAIResponses(), responses),
]
BEGINNINGS = {
    "openai.chat": {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]},
    "openai.completions": {"id": "c", "choices": [{"index": 0, "text": "Hi"}]},
    "openai.responses": {
        "type": "response.output_text.delta",
        "output_index": 0,
        "content_index": 0,
        "item_id": "i",
        "delta": "Hi",
    },
}


def refusal(status: int, **more: Any) -> Refusal:
    return Refusal(status=status, code="policy_blocked", message="Blocked by policy.", request_id="req-7", **more)


@contextmanager
def client_of(answer: Answer) -> Iterator[openai.OpenAI]:
    """A client of a provider that gives this answer to every call."""
    with (
        answering(answer.status, answer.headers, answer.body) as url,
        openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0) as client,
    ):
        yield client


@pytest.mark.parametrize(("dialect", "call"), CALLS, ids=lambda item: getattr(item, "id", ""))
@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
    ],
)
def test_a_refusal_is_raised_as_the_typed_error(
    dialect: Dialect, call: Call, status: int, raised: type[openai.APIStatusError]
) -> None:
    with client_of(dialect.refuse(refusal(status))) as client:
        with pytest.raises(raised) as caught:
            call(client, False)
        assert (caught.value.code, caught.value.request_id) == ("policy_blocked", "req-7")
        assert "Blocked by policy." in caught.value.message


def test_a_limit_says_when_to_come_again() -> None:
    answer = OpenAIChat().refuse(refusal(429, retry_after_s=0))
    assert dict(answer.headers)["retry-after"] == "0"
    with client_of(answer) as client, pytest.raises(openai.RateLimitError) as caught:
        chat(client, False)
    assert caught.value.type == "rate_limit_error"


@pytest.mark.parametrize(("dialect", "call"), [item for item in CALLS if item[0].id in BEGINNINGS])
def test_a_refusal_in_a_stream_is_raised_behind_what_came_before(dialect: Dialect, call: Call) -> None:
    body = sse(BEGINNINGS[dialect.id]) + dialect.refuse_in_stream(refusal(403))
    answer = Answer(status=200, headers=(("content-type", "text/event-stream"),), body=body)
    seen = []
    with client_of(answer) as client:
        with pytest.raises(openai.APIError) as caught:
            seen.extend(call(client, True))
        assert caught.value.message == "Blocked by policy."
        assert caught.value.code == "policy_blocked"
    assert len(seen) == 1


@pytest.mark.parametrize("dialect", [dialect for dialect, _ in CALLS], ids=lambda item: item.id)
def test_we_read_our_own_refusals(dialect: Dialect) -> None:
    answer = dialect.refuse(refusal(403))
    assert dict(answer.headers)["x-midwatch-request-id"] == "req-7"
    assert dict(answer.headers)["x-should-retry"] == "false"
    whole = read_response(dialect, answer.body, answer.status)
    assert whole.error == ProviderError(type="permission_error", message="Blocked by policy.")
    streamed, _ = read_stream(dialect, [dialect.refuse_in_stream(refusal(403))])
    assert streamed.error is not None
    assert streamed.error.message == "Blocked by policy."
    assert streamed.complete
    assert streamed.decode_error is None

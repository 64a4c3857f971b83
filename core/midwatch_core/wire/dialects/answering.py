"""Answers of our own: the HTTP frame around a dialect's error body."""

from midwatch_core.model.content import Json
from midwatch_core.wire.dialect import Answer, Refusal
from midwatch_core.wire.jsontext import compact


def json_answer(refusal: Refusal, body: Json, *extra: tuple[str, str]) -> Answer:
    """An answer with a JSON body and the headers that every refusal has."""
    headers = [("content-type", "application/json"), ("x-midwatch-request-id", refusal.request_id), *extra]
    if refusal.retry_after_s is not None:
        headers.append(("retry-after", str(refusal.retry_after_s)))
    if refusal.retry_after_ms is not None:
        headers.append(("retry-after-ms", str(refusal.retry_after_ms)))
    if not refusal.retry:  # OpenAI's and Anthropic's client libraries heed it
        headers.append(("x-should-retry", "false"))
    return Answer(status=refusal.status, headers=tuple(headers), body=compact(body).encode())


def notice(refusal: Refusal) -> dict[str, Json]:
    """A member of ours in the event that ends a stream: client libraries pass over members that they do not know."""
    return {"midwatch": {"request_id": refusal.request_id, "code": refusal.code, "message": refusal.message}}

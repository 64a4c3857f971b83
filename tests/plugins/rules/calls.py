"""Calls for the exchange detectors: a request, and what was answered."""

from typing import Any

from midwatch_core import Endpoint, Exchange, Identity, Operation, Part, Request, Response, Segment
from midwatch_core.testing.factories import BEGINNING


def call(
    *segments: tuple[Part, str], answer: str | None = None, identity: Identity | None = None, **request: Any
) -> Exchange:
    """A chat with these texts; `answer` makes it one that is over."""
    return Exchange(
        id="019b0000-0000-7000-8000-000000000001",
        trace_id="trace",
        started_at=BEGINNING,
        identity=identity or Identity(app="agent", user_agent="agent/1.0"),
        endpoint=Endpoint(provider="openai", dialect="openai_chat", host="api.openai.com", port=443, path="/v1"),
        request=Request(
            operation=Operation.CHAT,
            segments=tuple(Segment(part=part, path=f"/{at}", text=text) for at, (part, text) in enumerate(segments)),
            **request,
        ),
        response=None
        if answer is None
        else Response(segments=(Segment(part=Part.ASSISTANT, path="/choices/0/message/content", text=answer),)),
    )

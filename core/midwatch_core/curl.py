"""A call as a curl command for a POSIX shell. Keys are not kept: each stands there as a variable to be set.

Options: https://curl.se/docs/manpage.html.
"""

import re
from collections.abc import Iterator
from shlex import quote

from midwatch_core.har import url_of
from midwatch_core.model.exchange import Exchange, Transport
from midwatch_core.rebuilding import body_text, request_body

# What a dialect's providers ask for, by the first word of its name; the others take a bearer token.
_KEYS = {
    "anthropic": ('-H "x-api-key: $ANTHROPIC_API_KEY"', "-H 'anthropic-version: 2023-06-01'"),
    "bedrock": ('--aws-sigv4 "aws:amz:$AWS_REGION:bedrock"', '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"'),
    "gemini": ('-H "x-goog-api-key: $GEMINI_API_KEY"',),
    "ollama": (),
}
_ODD = re.compile(r"[^A-Z0-9]+")


def curl_command(exchange: Exchange) -> str:
    """The command, an option a line; a comment where curl can't make such a call."""
    if exchange.transport is Transport.WEBSOCKET:
        return "# This call is part of a WebSocket's talk, which curl does not hold."
    return " \\\n  ".join(_words(exchange))


def _words(exchange: Exchange) -> Iterator[str]:
    # --no-buffer, so that a streamed answer is seen as it comes.
    yield f"curl {'--no-buffer ' if exchange.streamed else ''}{quote(url_of(exchange))}"
    yield from _key(exchange)
    if exchange.request.body is not None:
        yield "-H 'content-type: application/json'"
        # Not --data: that reads a file where the body begins with an @.
        yield f"--data-raw {quote(body_text(request_body(exchange)) or '')}"


def _key(exchange: Exchange) -> tuple[str, ...]:
    endpoint = exchange.endpoint
    name = _ODD.sub("_", endpoint.provider.upper()).strip("_")
    # A variable's name begins with a letter: a provider of yours may be called 4all.
    bearer = (f'-H "authorization: Bearer ${name if name[:1].isalpha() else "PROVIDER" + name}_API_KEY"',)
    if endpoint.subscription or "vertex" in endpoint.provider:
        return bearer  # the same dialects, by the token of a login
    if endpoint.provider.startswith("azure"):
        return ('-H "api-key: $AZURE_OPENAI_API_KEY"',)
    return _KEYS.get(endpoint.dialect.partition(".")[0], bearer)

"""What Codex asks of ChatGPT before it calls a model: which models there are, and where its account's calls go.

https://github.com/openai/codex/tree/main/codex-rs/backend-client
"""

from __future__ import annotations

import orjson

from midwatch.simulated.call import Answer, Call
from midwatch.simulated.script import Script


def models(_call: Call, _script: Script) -> Answer:
    """The answer to `GET /backend-api/codex/models`: none beside those that Codex knows by itself."""
    return Answer(body=orjson.dumps({"models": []}))


def accounts(call: Call, _script: Script) -> Answer:
    """The answer to `GET /backend-api/wham/accounts/check`: the account of the login, served by the host it asked."""
    account = call.headers.get("chatgpt-account-id", "simulated")
    entry = {
        "id": account,
        "plan_type": "plus",
        "structure": "personal",
        "workspace_backend_origin": f"https://{call.host}",
        "account_routing_override": "NO_CONSTRAINT",
    }
    return Answer(body=orjson.dumps({"accounts": [entry], "account_ordering": [account]}))

"""Whose replayed calls are: a recording does not tell a tenant, so that whoever replays it does."""

from dataclasses import dataclass, replace

from mitmproxy import http

from midwatch_core.model.identity import Identity
from midwatch_core.user_agent import application

REPLAY = "replay"
"""In `Identity.learned_from` of a replayed call, under `tenant` and all that was said on the command line."""

_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """What the command line says. `default` is the tenant where it says none."""

    default: str
    tenant: str | None = None
    app: str | None = None
    agent: str | None = None
    user: str | None = None
    client: str | None = None

    def of(self, flow: http.HTTPFlow) -> Identity:
        """The identity of a recorded flow: its own User-Agent and client address, where nothing else is said."""
        user_agent = flow.request.headers.get("user-agent", "")[:_LONGEST] or None
        client = flow.client_conn.peername
        seen = Identity(
            tenant=self.default,
            app=application(user_agent) if user_agent else None,
            client=str(client[0]) if client and client[0] else None,
            user_agent=user_agent,
            learned_from={"app": "user-agent"} if user_agent else {},
        )
        return self.over(seen)

    def over(self, identity: Identity) -> Identity:
        """An identity with what is said here in place of what it says itself, and the mark of a replay."""
        said = {name: value for name in ("tenant", "app", "agent", "user", "client") if (value := getattr(self, name))}
        learned = {**identity.learned_from, **dict.fromkeys(said, REPLAY), "tenant": REPLAY}
        return replace(identity, **said, learned_from=learned)

"""Which protocol is spoken over a WebSocket, by its path."""

from __future__ import annotations

from midwatch.simulated.openai.realtime_socket import RealtimeSession
from midwatch.simulated.openai.responses_socket import ResponsesSession
from midwatch.simulated.script import ScriptError
from midwatch.simulated.service import RawRequest, Service
from midwatch.simulated.transport.handshake import wants_socket
from midwatch.simulated.transport.socket_session import EchoSession, Session


def session_of(raw: RawRequest, service: Service) -> Session | None:
    """The session that a handshake begins; None where it is none, or its script can't be read (HTTP says so)."""
    if not wants_socket(raw):
        return None
    try:
        script = service.scripted(raw)
    except ScriptError:
        return None
    path = raw.target.partition("?")[0]
    service.note(raw)
    if path.endswith("/responses"):
        return ResponsesSession(raw, service, script)
    if path.endswith("/realtime"):
        return RealtimeSession(raw, service, script)
    return EchoSession()

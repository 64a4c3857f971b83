"""Calls, and sightings of hosts, that name their tenant wherever anything of them is shown; some of them hostile."""

from collections.abc import Iterable
from dataclasses import replace

from midwatch_core.model.content import ProviderError
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.sighting import Seen, Sighting
from tests.plugins.web.conftest import NOW, make_agent_call, make_call, make_refused_call

TENANTS = ("acme", "lab", "default")
ATTACK = "\"><script>alert('x')</script><img src=x onerror=alert(1)>{{7*7}}\u202e=cmd|' /C calc'!A0"
LONG = "unbrokenword" * 40


def calls_of(tenant: str) -> list[Exchange]:
    """A plain call, one of an agent with findings, one refused, one whose every text is hostile."""
    first = 10 * TENANTS.index(tenant) + 1
    calls = (make_call(first), make_agent_call(first + 1), make_refused_call(first + 2), hostile_call(first + 3))
    return [_planted(call, tenant) for call in calls]


def hostile_call(number: int) -> Exchange:
    """A call of someone who knows that it will be shown on a page."""
    call = make_agent_call(number)
    texts = tuple(replace(segment, text=f"{ATTACK} {LONG} {segment.text}") for segment in call.request.segments)
    findings = tuple(
        replace(found, message=f"{ATTACK} {LONG}", evidence=ATTACK, start=0, end=12, path=LONG, part=Part.USER)
        for found in call.findings
    )
    return replace(
        call,
        request=replace(call.request, model=f"{ATTACK}{LONG}", segments=texts),
        response=replace(call.response, model=f"{ATTACK}{LONG}", error=ProviderError(type=ATTACK, message=LONG))
        if call.response
        else None,
        identity=Identity(app=f"{ATTACK}{LONG}", agent=f"{ATTACK}{LONG}", user=f"{LONG}{ATTACK}"),
        findings=findings,
    )


def _planted(call: Exchange, tenant: str) -> Exchange:
    word = Segment(part=Part.USER, path="/messages/9/content", text=f"the secret is word-{tenant}")
    identity = replace(
        call.identity,
        tenant=tenant,
        user=f"user-{tenant}" if call.identity.user is None else f"user-{tenant} {call.identity.user}",
        agent=f"agent-{tenant}" if call.identity.agent is None else f"agent-{tenant} {call.identity.agent}",
    )
    return replace(
        call,
        trace_id=f"trace-{tenant}-{call.trace_id}",
        identity=identity,
        request=replace(call.request, segments=(*call.request.segments, word)),
        findings=tuple(_found(call, tenant)),
    )


def _found(call: Exchange, tenant: str) -> Iterable[Finding]:
    for found in call.findings:
        yield replace(found, id=f"{found.id}-{tenant}-{call.id[-3:]}", message=f"{found.message}: word-{tenant}")


def sightings_of(tenant: str) -> list[Sighting]:
    """A host that is known, one that is not, and one whose client calls itself something hostile."""
    seen = Sighting(host="api.openai.com", tenant=tenant, seen=Seen.DECRYPTED, first_at=NOW, last_at=NOW, connections=1)
    return [
        replace(seen, provider="openai", app=f"app-{tenant}", calls=3),
        replace(seen, host="chatgpt.com", seen=Seen.SNI, known=False, process=f"word-{tenant}"),
        replace(
            seen, host=f"{LONG[:60]}.example", seen=Seen.PINNED, known=False, app=ATTACK, user_agent=LONG, process=LONG
        ),
    ]

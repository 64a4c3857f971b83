"""The plugin contract, hook by hook. A plugin is a module with hookimpls, or a class whose `Config` is its section.

A plugin's distribution names it in the entry-point group `midwatch`; the entry point's name is the plugin's name.
Every call is made through `guarded`: a hook that raises is counted and named, and the others still run. Take only
the arguments you need. Keep the module's import light: import what is heavy inside the hook that needs it.
"""

from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path

import pluggy

from midwatch_core.alert_outbox import AlertOutbox
from midwatch_core.contributions import Command, Mount, PluginHealth, Resource
from midwatch_core.forgotten import Forgotten
from midwatch_core.host import Host
from midwatch_core.metrics import MetricSpec
from midwatch_core.model.alert import Alert
from midwatch_core.model.cost import Cost
from midwatch_core.model.detection import Classified, Detection, TextVote, Weighed
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Finding
from midwatch_core.model.identity import Identity
from midwatch_core.model.incident import Incident, IncidentChange
from midwatch_core.model.segment import Direction, Part, Segment
from midwatch_core.model.stream import StreamEvent
from midwatch_core.ports import CacheLayer, MetadataRepository, TraceRepository
from midwatch_core.report_desk import ReportKind
from midwatch_core.views import Text
from midwatch_core.wire.dialect import Dialect

PROJECT = "midwatch"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def resources() -> list[Resource]:  # type: ignore[empty-body]
    """YAML files: catalogues of providers, rule packs, policies. Called once in every process, and again on reload.

    Example::

        @hookimpl
        def resources():
            return [Resource(kind=ResourceKind.CATALOGUE, name="acme", path=files(__name__) / "providers.yaml")]
    """


@hookspec
def dialects() -> list[Dialect]:  # type: ignore[empty-body]
    """Wire formats of your own; a catalogue names them by id. Called once in every process.

    One that is also spoken over WebSocket is a `SocketDialect`, and its routes have `socket: true`.

    Example::

        @hookimpl
        def dialects():
            return [AcmeChat()]
    """


@hookspec
def inspect_text(text: Text, part: Part) -> list[Detection] | None:
    """What a text shows. Pure: the same text, part and packs give the same detections. Called for each new text.

    Spans are code points of `text.original`; match on `text.normalised` and map back with its `span`.

    Example::

        @hookimpl
        def inspect_text(text, part):
            at = text.original.find("ACME-INTERNAL")
            if at >= 0:
                return [Detection(rule="acme/internal", category="data_leak", severity=Severity.HIGH, confidence=1.0,
                                  message="An internal document", start=at, end=at + 13)]
    """


@hookspec
def inspect_delta(event: StreamEvent, exchange: Exchange) -> list[Detection] | None:
    """What a piece of a streamed answer shows. Called in a worker for each decoded event; `exchange` is its request.

    Spans are code points of `event.text`. Be quick: it is called for every piece, on the path of the answer, in the
    proxy's own process, and so only where `plugins.in_loop` lists the plugin.

    Example::

        @hookimpl
        def inspect_delta(event, exchange):
            if event.kind is StreamKind.TOOL_ARGUMENTS and "rm -rf" in event.text:
                return [Detection(rule="acme/rm", category="dangerous_action", severity=Severity.HIGH, confidence=0.9,
                                  message="Deletes files", start=0, end=len(event.text))]
    """


@hookspec
def inspect_exchange(exchange: Exchange) -> list[Finding] | Awaitable[list[Finding] | None] | None:
    """What a call shows as a whole: its sizes, its tools, what its answer repeats. Sync, or async.

    Called twice: with the whole request (`exchange.response` is None), and when the whole response is there. The
    engine stamps id and plugin; give `direction`, and `part` and `path` where a finding is about one text.

    Example::

        @hookimpl
        def inspect_exchange(exchange):
            if exchange.response is None and len(exchange.request.tools) > 100:
                return [Finding(id="", rule="acme/tools", category="unbounded_consumption", severity=Severity.LOW,
                                confidence=0.8, message="More than 100 tools", owasp=("LLM10:2025",))]
    """


@hookspec
def classify_text(text: str, part: Part) -> Awaitable[Classified | None] | None:
    """What a model says of a text. Pure, as `inspect_text`, but awaited: ask a process of yours, never hold the loop.

    Texts of a call are asked about at once. The caller waits as long as policy says, or not at all; what comes later
    is remembered, and acted on while the call still goes on. Give None at once for parts that are not yours, and raise
    BusyError rather than let many wait: that is back-pressure, not a fault. Asked in workers, in control and by `scan`,
    and so only where `plugins.in_loop` lists the plugin.

    Example::

        @hookimpl
        def classify_text(text, part):
            if part in (Part.USER, Part.TOOL_RESULT):
                return acme.ask(text)  # an awaitable of Classified(votes=(Vote(voter="acme/model", score=0.7),))
    """


@hookspec
def weigh(
    findings: Sequence[Finding],
    exchange: Exchange | None,
    votes: Sequence[TextVote],
    texts: Mapping[tuple[Direction, str], Segment],
) -> Weighed | None:
    """One score of all findings and votes, and findings of your own about them; the first result counts.

    `texts` are those looked at, by direction and path; `exchange` is None for a text that belongs to no call. Without
    a plugin, the score is the highest confidence among injection findings. Asked in the proxy's own process, and so
    only where `plugins.in_loop` lists the plugin.

    Example::

        @hookimpl
        def weigh(findings, votes):
            return Weighed(score=min(1.0, sum(item.confidence for item in findings) / 3))
    """


@hookspec
def mask(finding: Finding, text: str, identity: Identity) -> str | None:
    """What stands in a text instead of what was found (`text` is that piece alone); the first result counts.

    None leaves it to the placeholder `<KIND_k3f9>`, which can be restored in the answer; a text of yours cannot. Asked
    in the proxy's own process, and so only where `plugins.in_loop` lists the plugin.

    Example::

        @hookimpl
        def mask(finding, text, identity):
            return "[card ending in " + text[-4:] + "]" if finding.kind == "CARD" else None
    """


@hookspec
def price(exchange: Exchange) -> Cost | None:
    """What an exchange cost; None to leave it to the next plugin; the first result counts.

    Called in control for the record, and in workers where a budget applies: be quick, and pure.

    Example::

        @hookimpl
        def price(exchange):
            if exchange.endpoint.provider == "self_hosted":
                return Cost(amount=Decimal(0), source="own hardware")
    """


@hookspec
def open_traces(url: str) -> TraceRepository | None:
    """A trace repository for a URL whose scheme is yours. Called in control; the first result counts.

    Example::

        @hookimpl
        def open_traces(url):
            return AcmeTraces(url) if url.startswith("acme://") else None
    """


@hookspec
def open_metadata(url: str) -> MetadataRepository | None:
    """A metadata repository for a URL whose scheme is yours. Called in control; the first result counts.

    Example::

        @hookimpl
        def open_metadata(url):
            return AcmeMetadata(url) if url.startswith("acme://") else None
    """


@hookspec
def open_cache(url: str) -> CacheLayer | None:
    """Shared state for a URL whose scheme is yours. Called in control and in workers; the first result counts.

    Example::

        @hookimpl
        def open_cache(url):
            return AcmeCache(url) if url.startswith("acme://") else None
    """


@hookspec
def stored(exchanges: Sequence[Exchange]) -> None:
    """Exchanges that have just been stored: inspected, masked, priced and threaded. Called in control.

    Be quick: hand them to a queue of yours that is bounded. Every one comes at least once, in no order: after a crash
    some come again, by their ids. What you must not lose, write down before you return.

    Example::

        @hookimpl
        def stored(exchanges):
            for exchange in exchanges:
                outbox.append(exchange.id)
    """


@hookspec
def reports(host: Host) -> list[ReportKind]:  # type: ignore[empty-body]
    """Kinds of reports. Called once in control, after `startup`.

    Example::

        @hookimpl
        def reports(host):
            return [ReportKind(name="acme", title="Acme", help="What Acme asks for", make=make, render=render,
                               formats={"json": "application/json"})]
    """


@hookspec
def review(exchange: Exchange) -> list[Finding] | None:
    """What a call shows beside those before it: it repeats itself, it is dear. Called in control, before it is stored.

    Every exchange comes at least once, priced and masked, in the order of the journal: after a crash some come again.
    Be quick, and keep what you remember bounded. The pipeline stamps id and plugin; policy has had its say before, so
    nothing is enforced.

    Example::

        @hookimpl
        def review(exchange):
            if exchange.cost and exchange.cost.amount and exchange.cost.amount > 10:
                return [Finding(id="", rule="acme/dear", category="anomaly", severity=Severity.LOW, confidence=1.0,
                                message="A call for more than 10 USD")]
    """


@hookspec
def notify(alert: Alert, incident: Incident, change: IncidentChange) -> Awaitable[None] | None:
    """An incident began, got worse, was acknowledged or is over. Called in control, in order, each change once.

    `alert` is what was told last of it. What you must not lose, write down before you return. After a restart what had
    begun in the ten minutes before it comes as begun once more, and an end that nobody had been told of comes too: know
    them by `incident.id`.

    Example::

        @hookimpl
        async def notify(incident, change):
            await pager.send(incident.title, key=incident.fingerprint, resolved=change is IncidentChange.RESOLVED)
    """


@hookspec
def alert_outbox(host: Host) -> AlertOutbox | None:
    """Where you send alerts, for faces to show. Called once in control, after `startup`; the first result counts.

    Example::

        @hookimpl
        def alert_outbox(host):
            return state["outbox"]
    """


@hookspec
def forgotten(who: Forgotten, host: Host) -> Awaitable[None] | None:
    """Somebody was forgotten, and the stores have nothing of it any more: forget what you keep of it yourself.

    Called in control, and where none runs in the command `forget` (then without `startup`). Conditions of `who` hold at
    once; `who.whole_tenant` is a tenant of whom nothing is to stay. 30 s are given. What you raise is told to whoever
    asked for it, as what is left: have it done again then.

    Example::

        @hookimpl
        def forgotten(who):
            if who.whole_tenant and who.until is None:
                state["seen"].pop(who.whole_tenant, None)
    """


@hookspec
def mounts(host: Host) -> list[Mount]:  # type: ignore[empty-body]
    """ASGI applications for the console's server. Called once in control, after `startup`.

    Example::

        @hookimpl
        def mounts(host):
            return [Mount(prefix="/acme", app=make_app(host.queries))]
    """


@hookspec
def commands(host: Host) -> list[Command]:  # type: ignore[empty-body]
    """Commands of the command line. `host` is a command's: the home, settings, and `stored`, to read what is kept.

    Example::

        @hookimpl
        def commands():
            return [Command(name="acme", help="Say hello", run=lambda words: print("hello") or 0)]
    """


@hookspec
def metrics() -> list[MetricSpec]:  # type: ignore[empty-body]
    """Metrics you will count in `host.metrics`. Called once in every process, before `startup`.

    Example::

        @hookimpl
        def metrics():
            return [MetricSpec(name="acme_calls_total", kind=MetricKind.COUNTER, help="Calls to acme")]
    """


@hookspec
def startup(host: Host) -> Awaitable[None] | None:
    """The process is about to work; `host.role` tells which one it is. In control an awaitable is awaited, 30 s long.

    In every other process answer at once.

    Example::

        @hookimpl
        def startup(host):
            state["clock"] = host.clock
    """


@hookspec
def health() -> PluginHealth | None:
    """Whether you are ready, and facts for `/readyz`. Asked in control, often, from `startup` on: answer at once.

    The house is ready when all its plugins are. Do not keep it waiting for ever: after a while be degraded, and say so.
    What is under `problem`, at any depth, is for operators: `/readyz` leaves it out. A plugin with models gives
    `models`: by name what `ModelProcess.report` tells, and `shadow` and `expected` where it has them; faces show them.
    One that reads packs of rules gives `refused`: `pack` and `problem` of each that it can't use; they are troubles.

    Example::

        @hookimpl
        def health():
            return PluginHealth(ready=state["loaded"], facts={"model": "acme-1"})
    """


@hookspec
def watched(host: Host) -> list[Path]:  # type: ignore[empty-body]
    """Files whose change calls `reload`. They need not exist yet. Called in control after `startup`.

    Example::

        @hookimpl
        def watched(host):
            return [host.home / "acme.yaml"]
    """


@hookspec
def reload(host: Host) -> None:
    """A watched file changed, or SIGHUP came. Raise ConfigError on a bad file, and go on with the last good one.

    Example::

        @hookimpl
        def reload(host):
            state["table"] = read_table(host.home / "acme.yaml")
    """


@hookspec
def shutdown(host: Host) -> Awaitable[None] | None:
    """The process is about to end; a few seconds are given. In control and in workers an awaitable is awaited.

    Example::

        @hookimpl
        def shutdown(host):
            state["client"].close()
    """

"""A console with everything behind it: control's own desks over memory, on a real port, filled for three tenants."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from midwatch.control.access_room import AccessRoom
from midwatch.control.console import Console
from midwatch.control.incidents import IncidentNotes, IncidentRoom
from midwatch.control.intake import IntakeRoom
from midwatch.control.live import Live
from midwatch.control.numbers import declared
from midwatch.control.standing import Standing
from midwatch.control.surroundings import Ground, Surroundings
from midwatch.control.tally import Tally
from midwatch.home import Home
from midwatch.settings import Settings, policy_of, resolve
from midwatch.stores import stores_of
from midwatch_core.access.administering import KeyWish
from midwatch_core.access.caller import LOCAL
from midwatch_core.alert_outbox import DeliveryState
from midwatch_core.engine import Engine
from midwatch_core.host import Host
from midwatch_core.inference.numbers import ModelNumbers
from midwatch_core.metrics import Metrics
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.tenant import Tenant
from midwatch_core.model.triage import TriageState
from midwatch_core.pipeline import Pipeline
from midwatch_core.report_desk import ReportOrder
from midwatch_core.reviewing import Reviewer
from midwatch_core.storage import Storage
from midwatch_journal import JournalReader
from tests.addons.control.policy_rooms import own
from tests.plugins.web.conftest import NOW, FixedClock
from tests.plugins.web.kept_outbox import KeptOutbox, delivery, sending
from tests.plugins.web.model_house import count
from tests.plugins.web.planted_alerts import alert_of, house_alert
from tests.plugins.web.planted_calls import ATTACK, TENANTS, calls_of, sightings_of

type Holder = tuple[AccessRole, str | None]

HOLDERS: tuple[Holder, ...] = tuple((role, tenant) for tenant in (None, "acme") for role in AccessRole)
FLAGS = {
    "access": {"console": "always"},
    "storage": {"profile": "memory"},
    "limits": [{"id": "calls", "per": ["tenant", "agent"], "requests_per_s": 5}],
    "budgets": [{"id": "month", "per": ["tenant"], "usd": 10, "period": "month"}],
}


@dataclass(slots=True, kw_only=True)
class WholeHouse:
    """What control has, without a proxy beside it and without its door: started, and nothing in it yet."""

    settings: Settings
    storage: Storage
    reviewer: Reviewer
    access: AccessRoom
    intake: IntakeRoom
    incidents: IncidentRoom
    outbox: KeptOutbox = field(default_factory=KeptOutbox)
    desks: Surroundings = field(init=False)
    host: Host = field(init=False)
    keys: dict[Holder, str] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    # Those of the tenants by their names, and the installation's own, by None.
    alerts: dict[str | None, str] = field(default_factory=dict)

    async def reload(self) -> None:
        """As the process does it, when a policy was published."""
        self.reviewer.policy = policy_of(self.settings)
        self.desks.follow(self.settings.config, self.reviewer.policy)

    async def close(self) -> None:
        """End what was started."""
        await self.intake.close()
        await self.settings.plugins.wait_all("shutdown", deadline_s=5.0, host=self.host)
        await self.storage.close()


async def whole_house(folder: Path) -> WholeHouse:
    """The house, its home in `folder`."""
    home = Home(folder)
    home.prepare()
    settings = resolve(home, config_file=None, flags=FLAGS)
    storage, metrics, clock = stores_of(settings), declared(settings.plugins), FixedClock()
    engine = Engine(settings.plugins, clock=clock, deadline_s=settings.config.plugins.deadline_s)
    reviewer = Reviewer(engine, policy_of(settings), home.hash_key(), clock, metrics)
    access = AccessRoom(home, settings.config, storage.metadata, clock, _nobody)
    intake = IntakeRoom(settings, reviewer, access.watch.directory, clock, metrics)
    incidents = _incidents(settings, storage, metrics)
    house = WholeHouse(
        settings=settings, storage=storage, reviewer=reviewer, access=access, intake=intake, incidents=incidents
    )
    ground = Ground(
        settings=settings,
        traces=storage.traces,
        metadata=storage.metadata,
        clock=clock,
        metrics=metrics,
        reviewer=reviewer,
        access=access,
        stands=_standing(settings, storage, metrics),
        incidents=incidents,
    )
    house.desks = Surroundings(ground, scanner=intake.scanner, reload=house.reload)
    house.host = house.desks.host(live=Live(), intake=intake.intake)
    await storage.start()
    await access.start()
    outcomes = await settings.plugins.wait_all("startup", deadline_s=30.0, host=house.host)
    assert all(outcome.ok for outcome in outcomes)
    house.desks.open(house.host)
    house.desks.alerts.reach(sending(house.outbox), house.host)
    return house


async def _nobody() -> None:
    """There are no workers to be told."""


def _incidents(settings: Settings, storage: Storage, metrics: Metrics) -> IncidentRoom:
    return IncidentRoom(
        storage.metadata,
        settings.plugins,
        metrics,
        record=lambda _: None,
        clock=FixedClock(),
        notes=IncidentNotes(settings.home.open_incidents),
    )


def _standing(settings: Settings, storage: Storage, metrics: Metrics) -> Standing:
    reader = JournalReader(settings.home.journal)
    return Standing(
        settings=settings,
        private=False,
        metrics=metrics,
        tally=Tally(metrics),
        reader=reader,
        pipeline=Pipeline(reader, storage.traces, settings.plugins, metrics, stored=lambda _: None),
        pool=None,
        started=True,
    )


async def give_keys(house: WholeHouse) -> None:
    """Two tenants beside the installation's own, and a key for each of HOLDERS."""
    administration = house.access.administration
    for name in TENANTS[:2]:
        await administration.add_tenant(LOCAL, Tenant(name=name, title=f"{ATTACK} word-{name}", created_at=NOW))
    for role, tenant in HOLDERS:
        made = await administration.create_key(
            LOCAL, KeyWish(role=role, tenant=tenant, label=f"word-{tenant} {ATTACK}")
        )
        house.keys[role, tenant] = made.text


async def fill(house: WholeHouse) -> None:
    """Calls that name whose they are, hosts that were seen, judgements, reports, alerts, policies, models."""
    count(ModelNumbers(house.host.metrics))
    for text in (own("flag"), own("flag") + f"# {ATTACK}\n"):
        await house.desks.policies.desk.publish(LOCAL, text, note=ATTACK)
    for name in TENANTS:
        await _fill_tenant(house, name)
    await fill_alerts(house)


async def _fill_tenant(house: WholeHouse, name: str) -> None:
    administration, reports = house.access.administration, house.desks.reports
    if name != "default":
        await administration.create_key(LOCAL, KeyWish(role=AccessRole.CLIENT, tenant=name, label=f"word-{name}"))
    calls = calls_of(name)
    await house.storage.traces.put(calls)
    await house.storage.metadata.sight(sightings_of(name))
    assert house.host.triaging is not None
    judged = calls[1].findings[0].id
    await house.host.triaging.judge(LOCAL, judged, TriageState.ACKNOWLEDGED, note=f"word-{name} {ATTACK}")
    order = ReportOrder(tenant=name, since=NOW.replace(day=1), until=NOW.replace(day=24))
    house.reports[name] = (await reports.order(LOCAL, reports.kinds()[0].name, order)).id
    await reports.make_next()


async def fill_alerts(house: WholeHouse) -> None:
    """One of each tenant that nobody has taken on, one of the installation, and messages about them."""
    for name in (*TENANTS, None):
        given = house_alert() if name is None else alert_of(name)
        house.incidents.raise_alert(given)
        (made,) = [one for one in house.incidents.open() if one.fingerprint == given.fingerprint]
        house.alerts[name] = made.id
        house.outbox.kept.append(delivery(f"sent-{name}", incidents=(made.id,), title=f"{given.title}"))
        dead = delivery(f"dead-{name}", incidents=(made.id,), state=DeliveryState.DEAD, problem=ATTACK, sent_at=None)
        house.outbox.kept.append(dead)
    await house.incidents.settle(5.0)


@dataclass(slots=True)
class Served:
    """A house that answers at `address` from a thread of its own: tests and browsers ask it as anybody would."""

    house: WholeHouse
    address: str
    loop: asyncio.AbstractEventLoop

    def key(self, role: AccessRole, tenant: str | None = None) -> str:
        """The key of a role, of one tenant or of all."""
        return self.house.keys[role, tenant]

    def do[Result](self, what: Callable[[], Awaitable[Result]]) -> Result:
        """Await something where the house lives."""

        async def done() -> Result:
            return await what()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(60)


@contextmanager
def served_house(folder: Path, *, filled: bool = True) -> Iterator[Served]:
    """A house with its keys, filled or as on its first day, for as long as it is needed."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        # With its protocol: asyncio sends small answers at once only where it is told that this is TCP.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
            sock.bind(("127.0.0.1", 0))
            house, console = asyncio.run_coroutine_threadsafe(_begun(folder, sock, filled=filled), loop).result(120)
            yield Served(house=house, address=f"http://127.0.0.1:{sock.getsockname()[1]}", loop=loop)
            asyncio.run_coroutine_threadsafe(_ended(house, console), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _begun(folder: Path, sock: socket.socket, *, filled: bool) -> tuple[WholeHouse, Console]:
    house = await whole_house(folder)
    await give_keys(house)
    if filled:
        await fill(house)
    mounts = house.settings.plugins.gather("mounts", host=house.host)
    assert any(not mount.prefix for mount in mounts), "the console is not there"
    console = Console(mounts)
    console.start(sock)
    return house, console


async def _ended(house: WholeHouse, console: Console) -> None:
    await console.close()
    await house.close()

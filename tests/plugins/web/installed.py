"""A house with an installation: the plugins that are there, a home with a pack of rules of its own, a scanner."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from midwatch.control.governing_rows import GoverningRows
from midwatch.control.installation import LiveInstallation
from midwatch.control.intake.scanning import PolicyScanner
from midwatch.control.reviewers import reviewer_of
from midwatch.home import Home
from midwatch.plugin_rows import plugin_rows
from midwatch.settings import Settings, resolve
from midwatch_core.access.administering import Administration
from midwatch_core.access.caller import Access, Caller
from midwatch_core.host import Host
from midwatch_core.metrics import Metrics, Sample
from midwatch_core.model.apikey import AccessRole
from midwatch_memory.metadata import MemoryMetadata
from tests.plugins.web.conftest import NOW, FixedClock, House, WatchedTraces

PACK = """
pack: {id: own/words, version: 3, license: Apache-2.0}
rules:
  - id: zephyr
    title: Says <b>zephyr</b>
    severity: high
    confidence: 0.8
    category: prompt_injection
    owasp: ["LLM01:2025"]
    where: [user]
    match: {any: [{regex: "(?i)zephyr"}], none: [{text: calm}]}
    allow: [{regex: "a poem", reason: literature}]
    examples: {match: ["a zephyr blows"], pass: ["the wind"]}
"""
CONFIG = """
plugins: {allow: [rules, web, memory]}
storage: memory
tenants: {acme: {title: Acme}, globex: {}}
budgets:
  - {id: month, usd: 10, period: month}
  - {id: bots, usd: 1, period: day, per: [agent], agents: [bot], hard: false}
"""
KEYS = {
    "admin": Caller(name="admin", role=AccessRole.ADMIN),
    "viewer": Caller(name="viewer", role=AccessRole.VIEWER),
    "client": Caller(name="client", role=AccessRole.CLIENT),
    "admin-of-acme": Caller(name="admin-of-acme", role=AccessRole.ADMIN, tenant="acme"),
}


class Keys:
    """Access by these keys."""

    required = True

    def caller(self, key: str) -> Caller | None:
        return KEYS.get(key)

    def still(self, caller: Caller) -> bool:
        return caller in KEYS.values()


def settings_in(folder: Path) -> Settings:
    """The settings of a home with a configuration and a pack."""
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "own.rules.yaml").write_text(PACK)
    (folder / "config.yaml").write_text(CONFIG)
    return resolve(Home(folder), config_file=None, flags={})


def installation_of(settings: Settings, traces: WatchedTraces, samples: Sequence[Sample] = ()) -> LiveInstallation:
    """The installation under these settings, with no process behind it."""
    governing = GoverningRows(
        config=lambda: settings.config,
        tenants=lambda: ["acme", "globex"],
        traces=traces,
        samples=lambda: list(samples),
        clock=FixedClock(),
    )
    status: dict[str, Any] = {
        "ready": True,
        "workers": 1,
        "store": "available",
        "breakers": {"store": "closed"},
        "troubles": [{"category": "budget", "severity": "high", "title": "<i>spent</i>", "since": NOW.isoformat()}],
        "journal": {"bytes": 12, "dead_letters": 0},
        "plugins": plugin_rows(settings.plugins, ["rules"]),
    }
    return LiveInstallation(settings, status=lambda: dict(status), samples=lambda: list(samples), governing=governing)


@dataclass(slots=True)
class InstalledHouse(House):
    """A house that tells of its installation, and administers."""

    settings: Settings = field(kw_only=True)

    def host(self) -> Host:
        host = House.host(self)
        reviewer = reviewer_of(self.settings, None, FixedClock(), Metrics())
        self.settings.plugins.call_all("startup", host=replace(host, home=self.settings.home.root))
        return replace(
            host,
            installation=installation_of(self.settings, self.traces),
            scanner=PolicyScanner(reviewer, FixedClock(), default="default"),
            administration=Administration(self.metadata, FixedClock(), configured=lambda: ()),
        )


async def installed_house(folder: Path, access: Access | None = None) -> InstalledHouse:
    """The house, with a home in `folder`."""
    metadata, traces = MemoryMetadata(), WatchedTraces()
    await metadata.start()
    await traces.start()
    settings = settings_in(folder / "home")
    settings.home.prepare()
    return InstalledHouse(settings=settings, access=access, metadata=metadata, traces=traces)

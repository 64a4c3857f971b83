"""A run: a house with its stores and clients, acts in random order, and the verdict on what is left of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from midwatch_core.governing.settings import BudgetRule
from tests.e2e.chaos.acts import Act, acts_of
from tests.e2e.chaos.crowd import Crowd
from tests.e2e.chaos.disk import Disk, small_disk
from tests.e2e.chaos.profiles import Profile, living
from tests.e2e.chaos.scene import Scene
from tests.e2e.chaos.verdict import Verdict, judge
from tests.e2e.chaos.witness import Witness
from tests.e2e.killing import House, Killer, simulated_providers

CLIENTS = 8
_DISK_MB = 192
# Dollars for a million tokens: sums of whole nano-dollars, whatever is called.
PRICES = "prices: [{provider: '*', model: '*', input: 1, output: 2}]\n"
# Far above what is spent here: every call is counted, none is refused.
BUDGET = BudgetRule.model_validate({"id": "chaos", "usd": 100_000, "period": "month"})
LIMIT = {"id": "requests", "requests_per_s": 10_000}

type Tell = Callable[[str], None]


async def run(
    name: str, folder: Path, *, seed: int, minutes: float = 0.0, short: bool = False, tell: Tell = print
) -> Verdict:
    """Do every act at least once in the order of `seed`, again and again for so many minutes; then look at it all.

    `short` leaves out acts whose part another one has too.
    """
    tell(f"chaos: profile {name}, seed {seed}")
    with small_disk(folder / "disk", _DISK_MB) as disk, living(name, folder, folder / "disk" / "home") as profile:
        async with simulated_providers(folder / "providers") as providers:
            settings = settings_of(profile)
            house = house_of(folder, providers, profile, settings)
            try:
                async with _scene(house, settings, profile, disk, seed) as scene:
                    await _acts(scene, acts_of(scene, short=short), minutes, tell)
                verdict = await judge(scene)
            finally:
                code = await house.end()
            verdict.check("the house ended with exit code 0", code == 0)
            verdict.journal_is_empty(house)
    return verdict


def settings_of(profile: Profile) -> dict[str, Any]:
    """The profile's, a limit and a budget."""
    return {**profile.settings, "limits": [LIMIT], "budgets": [BUDGET.model_dump(mode="json")]}


def house_of(folder: Path, providers: dict[str, Any], profile: Profile, settings: dict[str, Any]) -> House:
    """The house, with schemas as the profile wants them, not started yet."""
    house = House(folder, providers, root=folder / "disk" / "home", settings=settings)
    house.home.root.mkdir(parents=True)
    (house.home.root / "prices.yaml").write_text(PRICES)
    if not profile.migrates:
        done = house.run("migrate", "up")
        assert done.returncode == 0, done.stdout + done.stderr
    return house


@asynccontextmanager
async def _scene(
    house: House, settings: dict[str, Any], profile: Profile, disk: Disk | None, seed: int
) -> AsyncIterator[Scene]:
    """The house under load and under watch; at the end the clients have ended, and all is well again."""
    house.start()
    crowd = Crowd(await house.ready(), house.trust())
    status = await house.status()
    assert status is not None
    witness = Witness(status["console"])
    scene = Scene(
        house=house,
        settings=settings,
        budget=BUDGET,
        profile=profile,
        crowd=crowd,
        killer=Killer(house, crowd),
        witness=witness,
        disk=disk,
        chance=random.Random(seed),
    )
    calling, watching = asyncio.create_task(crowd.run(CLIENTS)), asyncio.create_task(witness.watch())
    try:
        await scene.recovered()
        yield scene
    except BaseException:
        print(house.log)
        raise
    finally:
        crowd.ended.set()
        crowd.gate.set()
        await calling
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    await scene.recovered()


async def _acts(scene: Scene, acts: Mapping[str, Act], minutes: float, tell: Tell) -> None:
    began_s = time.monotonic()
    while True:
        for name in _shuffled(scene, list(acts)):
            await asyncio.sleep(scene.chance.uniform(0.3, 1.0))
            tell(f"{time.monotonic() - began_s:6.1f} s  {len(scene.crowd.attempts):6d} calls  {name}")
            await acts[name](scene)
            scene.done[name] += 1
        if time.monotonic() - began_s >= minutes * 60:
            return


def _shuffled(scene: Scene, names: Sequence[str]) -> list[str]:
    return scene.chance.sample(names, len(names))

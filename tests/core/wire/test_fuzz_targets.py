"""The fuzzer's targets without the fuzzer: their seeds, whole and spoilt a little, so that no target rots unseen."""

import importlib
import random
from typing import Any

import pytest

from tests.core.wire.mutations import flipped, repeated, spliced, truncated
from tests.fuzz.__main__ import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_targets_hold_for_their_seeds_and_what_is_near_them(name: str) -> None:
    target: Any = importlib.import_module(f"tests.fuzz.{name}")
    choice = random.Random(name)
    seeds = target.seeds()
    assert seeds
    for seed in seeds:
        target.one(seed)
    for seed in choice.sample(seeds, min(len(seeds), 12)):
        for mutation in (flipped, truncated, spliced, repeated):
            target.one(mutation(seed, choice.choice(seeds), choice))

"""How well the shipped model does with the shipped settings, on labelled and on ordinary texts (`MIDWATCH_DATA`)."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from midwatch_pii.ner.settings import NerSettings

_ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("MIDWATCH_DATA", _ROOT / "../shared/data"))
SET = DATA / "pii" / "pii_presidio_generated_large.jsonl"

pytestmark = [
    pytest.mark.skipif(
        not NerSettings().is_wanted, reason="the extra ner: uv run --extra ner pytest tests/plugins/pii"
    ),
    pytest.mark.skipif(not SET.exists(), reason="labelled sets absent: set MIDWATCH_DATA"),
]


@pytest.fixture(scope="module")
def quality() -> Iterator[ModuleType]:
    sys.path.insert(0, str(_ROOT / "docs"))
    try:
        yield __import__("quality_ner")
    finally:
        sys.path.remove(str(_ROOT / "docs"))


@pytest.fixture(scope="module")
def model(quality: ModuleType) -> Any:
    return quality.Model()


def test_persons_and_addresses_are_found_in_both_halves(quality: ModuleType, model: Any) -> None:
    tallies = quality.measured(SET, model)
    assert len(tallies) == 4
    for who, tally in tallies.items():
        for kind in ("PERSON", "ADDRESS"):
            known, met, right, wrong = (tally[kind, what] for what in ("known", "met", "right", "wrong"))
            assert known > 400, who
            assert met / known >= 0.80, (who, kind)
            assert right / (right + wrong) >= 0.75, (who, kind)
    assert len(list(quality.table(tallies))) == 2 + 3 * len(tallies)


@pytest.mark.parametrize(
    ("name", "most"),
    [("benign_mitre_frr_dev", 0.01), ("benign_notinject_one_two", 0.01), ("benign_real_traffic_openllmetry", 0.06)],
)
def test_ordinary_texts_seldom_have_a_name(quality: ModuleType, model: Any, name: str, most: float) -> None:
    some, all_ = quality.named(DATA / "benign" / f"{name}.jsonl", model)
    assert all_ > 100
    assert some / all_ <= most

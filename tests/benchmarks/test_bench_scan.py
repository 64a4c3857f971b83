"""The scan row runs on short texts, and its texts are what it says they are."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # `benchmarks` is a package of the checkout, not of a distribution

from benchmarks.rows import scan  # noqa: E402
from benchmarks.scan_texts import FRIENDLY, HOSTILE, text_of  # noqa: E402
from benchmarks.session import Session  # noqa: E402

KINDS = {**FRIENDLY, **HOSTILE}


def test_there_is_a_row_for_each_kind_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "SIZES", {2_048: "2 KB", 20_480: "20 KB"})
    rows = asyncio.run(scan.measure(Session(bench=cast(Any, None), upstream_port=0, scale=0.01)))
    # Two sizes, one against the other, and the memo.
    assert len(rows) == 3 * len(KINDS) + 1
    assert all(row.value > 0 for row in rows)
    assert {row.name for row in rows if row.target == "≤ 5 ms"} == {f"scan of 20 KB, {kind}" for kind in FRIENDLY}
    assert sum("hostile" in row.name and row.target == "≤ 3 × stock" for row in rows) == 2 * len(HOSTILE)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_of_the_asked_size_and_the_same_for_the_same_seed(kind: str) -> None:
    text = text_of(KINDS[kind], 4_096, 1)
    assert 4_092 <= len(text.encode()) <= 4_096
    assert text == text_of(KINDS[kind], 4_096, 1)
    assert text != text_of(KINDS[kind], 4_096, 2) or kind == "code"

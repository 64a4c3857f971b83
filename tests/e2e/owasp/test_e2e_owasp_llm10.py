"""LLM10 Unbounded consumption: calls that cost far more than work needs, and prompts that are filler."""

from __future__ import annotations

import random
import string
from typing import Any

from tests.e2e.owasp.case import Ask, Case, asking, document, result, rows, user

PASSAGE = "The quick brown fox jumps over the lazy dog and back again. "


def stopped(attack: Ask, twin: Ask) -> Case:
    return Case(attack=attack, twin=twin, line="runaway-calls")


def letters(size: int) -> str:
    """Words that chance has strung: always the same ones."""
    source = random.Random(7)  # not for secrets
    return "".join(source.choices(string.ascii_letters + "      ", k=size))


def table(size: int) -> str:
    """A log, as programs write them: alike from line to line, and no filler."""
    source = random.Random(7)  # not for secrets
    lines = (
        f"2026-03-{number % 28 + 1:02} INFO worker-{source.randrange(64)} stored {source.randrange(9000)} rows in"
        f" {source.random():.3f} s, lag {source.randrange(500)} ms"
        for number in range(size // 60)
    )
    return "\n".join(lines)


@rows(
    "LLM10:2025",
    output=stopped(asking(max_tokens=5_000_000), asking(max_tokens=32_000)),
    completion_tokens=stopped(asking(max_completion_tokens=1_000_000), asking(max_completion_tokens=64_000)),
    candidates=stopped(asking(n=100), asking(n=3)),
    both=stopped(asking(n=16, max_tokens=100_000), asking(n=2, max_tokens=8_000)),
    repeated_filler=stopped(user(PASSAGE * 1_500), user(f"What is wrong in this log?\n{table(60_000)}")),
    random_filler=stopped(user(letters(60_000)), user(PASSAGE * 3)),
)
def test_runaway_calls(stage: Any, case: Case, owasp: str) -> None:
    stage.check(case, owasp)


@rows(
    "LLM10:2025",
    result=Case(attack=result(PASSAGE * 1_500), twin=result(table(60_000)), line="record-the-rest"),
    document=Case(attack=document(letters(60_000)), twin=document(table(60_000)), line="record-the-rest"),
)
def test_filler_that_was_read(stage: Any, case: Case, owasp: str) -> None:
    """What tools and documents bring is on record: the client did not choose it, and may need what stands beside it."""
    stage.check(case, owasp)

"""LLM09 Misinformation: a proxy knows no facts, and claims none."""

from __future__ import annotations

import pytest

from tests.e2e.owasp.case import Ask, answered
from tests.e2e.owasp.stage import Stage, harmless

WRONG = {
    "history": "The Berlin Wall fell in 1975, after a vote of the United Nations.",
    "citation": "See Hartwell v. Pruitt, 512 U.S. 991 (1997), which settled exactly this question.",
    "package": "Install the package `requests-auto-retry-plus`; it is maintained by the authors of requests.",
    "medicine": "Antibiotics shorten a common cold by three days in most adults.",
    "arithmetic": "As 17 times 23 is 401, the hall holds 401 chairs.",
}
RIGHT = {
    "history": "The Berlin Wall fell in 1989.",
    "citation": "I know of no decision that settles exactly this question.",
    "package": "Install the package `requests`; retries are in urllib3's `Retry`.",
    "medicine": "Antibiotics do not help against a common cold.",
    "arithmetic": "As 17 times 23 is 391, the hall holds 391 chairs.",
}


@pytest.mark.parametrize("topic", WRONG)
@pytest.mark.parametrize("streamed", [False, True])
def test_nothing_is_claimed(stage: Stage, topic: str, streamed: bool) -> None:
    """A wrong answer and a right one are told apart by nobody here: neither has a finding, both pass as they are."""
    asks: list[Ask] = [answered(WRONG[topic]), answered(RIGHT[topic])]
    for ask in asks:
        played = stage.play(ask, streamed=streamed)
        record = stage.record(played)
        harmless(played, record)
        assert (record.action, record.findings) == ("allow", [])

"""The engine: every detector asked, each finding stamped, faults named, and one score."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from midwatch_core import Detection, Part, Severity, Text, hookimpl
from midwatch_core.clock import SystemClock
from midwatch_core.engine import MAX_FINDINGS, Engine, evidence
from midwatch_core.guarded import Outcome
from midwatch_core.hosting import Plugins
from midwatch_core.inspection import Inspection
from midwatch_core.model.segment import Direction, Segment
from midwatch_core.model.stream import StreamEvent, StreamKind
from midwatch_core.testing.factories import make_exchange


class Words:
    """Detects words."""

    def __init__(self, word: str, category: str = "prompt_injection", kind: str = "", confidence: float = 0.5) -> None:
        self._word, self._category, self._kind, self._confidence = word, category, kind, confidence

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        at = text.original.find(self._word)
        if at < 0 or part is Part.SYSTEM:
            return []
        return [
            Detection(
                rule=f"test/{self._word}",
                category=self._category,
                severity=Severity.HIGH,
                confidence=self._confidence,
                message="A word",
                start=at,
                end=at + len(self._word),
                kind=self._kind,
            )
        ]


class Broken:
    @hookimpl
    def inspect_text(self) -> list[Detection]:
        raise RuntimeError("no")


class Nonsense:
    @hookimpl
    def inspect_text(self, text: Text) -> list[object]:
        wild = Detection(
            rule="x", category="y", severity=Severity.LOW, confidence=7.0, message="", start=-5, end=10**9, kind=""
        )
        return ["not a detection", wild, None]


class Flood:
    @hookimpl
    def inspect_text(self) -> list[Detection]:
        one = Detection(rule="x", category="y", severity=Severity.LOW, confidence=0.1, message="", start=0, end=1)
        return [one] * (MAX_FINDINGS + 5)


def engine(**detectors: object) -> Engine:
    plugins = Plugins()
    for name, detector in detectors.items():
        plugins.add(name, lambda detector=detector: detector)  # type: ignore[misc]
    plugins.activate({})
    return Engine(plugins)


def test_findings_come_in_the_order_of_the_text_stamped_with_who_saw_them() -> None:
    scan = engine(second=Words("ignore", confidence=0.9), first=Words("Please", "pii")).scan("Please ignore", path="/p")
    assert [(finding.rule, finding.plugin, finding.start, finding.end) for finding in scan.findings] == [
        ("test/Please", "first", 0, 6),
        ("test/ignore", "second", 7, 13),
    ]
    assert {(finding.path, finding.part) for finding in scan.findings} == {("/p", Part.USER)}
    assert scan.score == 0.9


def test_only_injections_make_a_score() -> None:
    assert engine(one=Words("a", "pii")).scan("a").score == 0.0
    assert engine(one=Words("a")).scan("a", where=Part.SYSTEM).findings == ()


@pytest.mark.parametrize(("part", "owasp"), [(Part.EMBEDDING_INPUT, ("LLM08:2025",)), (Part.DOCUMENT, ())])
def test_what_is_found_in_a_text_to_embed_is_a_weakness_of_the_store_as_well(
    part: Part, owasp: tuple[str, ...]
) -> None:
    (found,) = engine(words=Words("bad")).scan("a bad one", where=part).findings
    assert found.owasp == owasp


def test_a_detector_that_fails_is_named_and_the_others_are_heard() -> None:
    scan = engine(bad=Broken(), good=Words("a")).scan("a")
    assert scan.failures == ("bad",)
    assert [finding.plugin for finding in scan.findings] == ["good"]


def test_nonsense_is_held_inside_the_text() -> None:
    (finding,) = engine(odd=Nonsense()).scan("text").findings
    assert (finding.start, finding.end, finding.confidence) == (0, 4, 1.0)


def test_a_flood_of_findings_is_bounded() -> None:
    assert len(engine(flood=Flood()).scan("a").findings) == MAX_FINDINGS


@pytest.mark.parametrize(
    ("found", "hidden", "shown"),
    [
        ("ignore all", False, "ignore all"),
        ("x" * 300, False, "x" * 200 + "…"),
        ("sk-live-0123456789", True, "sk-l… (18 characters)"),
        ("1234", True, "… (4 characters)"),
    ],
)
def test_evidence_shows_no_value_that_is_to_be_masked(found: str, hidden: bool, shown: str) -> None:
    assert evidence(found, hidden=hidden) == shown


def test_the_installed_plugins_make_an_engine_without_a_proxy(tmp_path: object) -> None:
    make: Callable[..., Engine] = Engine.installed
    assert make(allow=["rules"]).scan("hello").findings == ()


async def test_a_long_text_does_not_hold_the_loop() -> None:
    class Slow:
        @hookimpl
        def inspect_text(self, text: Text) -> list[Detection]:
            ended.wait(60)
            return []

    ended = threading.Event()
    segment = Segment(part=Part.USER, path="", text="x" * 100_000)
    asking = asyncio.create_task(engine(slow=Slow()).inspect_texts([segment], Direction.REQUEST))
    await asyncio.sleep(0)  # the loop goes on: else the line below would never be reached in time
    ended.set()
    assert (await asking).failures == ()


class Away:
    """Detectors somewhere else, as the scan pool has them."""

    plugins = ("away",)

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.asked = outcome, 0

    async def inspect_text(self, plugin: str, text: str, part: Part) -> Outcome:
        self.asked += 1
        return self.outcome

    async def inspect_exchange(self, plugin: str, exchange: object) -> Outcome:
        return self.outcome


async def test_detectors_elsewhere_are_asked_there_and_once_for_a_text() -> None:
    found = Words("a").inspect_text(Text("a"), Part.USER)
    away = Away(Outcome(name="away.inspect_text", value=found))
    plugins = Plugins()
    plugins.add("away", lambda: Broken())
    plugins.activate({})
    made = Engine(plugins, elsewhere=away)
    segment = Segment(part=Part.USER, path="/a", text="a", hash="h")
    for _ in range(2):
        seen = await made.inspect_texts([segment], Direction.REQUEST)
        assert [(item.plugin, item.path) for item in seen.findings] == [("away", "/a")]
    assert away.asked == 1


async def test_one_that_is_late_elsewhere_is_named() -> None:
    plugins = Plugins()
    plugins.add("away", lambda: Broken())
    plugins.activate({})
    made = Engine(plugins, elsewhere=Away(Outcome(name="x", error=TimeoutError("late"))))
    seen = await made.inspect_texts([Segment(part=Part.USER, path="", text="a")], Direction.REQUEST)
    assert seen.failures == ("away",)


class SteppingClock(SystemClock):
    """Every look at it takes a second."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def monotonic(self) -> float:
        self.at_s += 1.0
        return self.at_s


async def test_one_that_is_slow_at_each_text_is_late_for_the_call() -> None:
    plugins = Plugins()
    plugins.add("away", lambda: Broken())
    plugins.activate({})
    away = Away(Outcome(name="x", value=[]))
    made = Engine(plugins, elsewhere=away, clock=SteppingClock(), deadline_s=1.0)
    texts = [Segment(part=Part.USER, path=f"/{number}", text=str(number)) for number in range(50)]
    seen = await made.inspect_texts(texts, Direction.REQUEST)
    assert seen.failures == ("away",)
    assert away.asked == 3


class Hangs:
    """Would hang whoever asks it here."""

    @hookimpl
    def inspect_delta(self) -> list[Detection]:
        raise AssertionError("asked in this process")

    @hookimpl
    def mask(self) -> str:
        raise AssertionError("asked in this process")

    @hookimpl
    def weigh(self) -> object:
        raise AssertionError("asked in this process")


def test_who_runs_elsewhere_is_asked_nothing_here() -> None:
    plugins = Plugins()
    plugins.add("away", lambda: Hangs())
    plugins.activate({})
    made = Engine(plugins, elsewhere=Away(Outcome(name="x", value=[])))
    exchange = make_exchange()
    event = StreamEvent(kind=StreamKind.TEXT, path="/a", text="a")
    assert made.inspect_delta(event, exchange, Part.ASSISTANT).failures == ()
    assert made.weigh(Inspection(), exchange, {}) == (Inspection(), 0.0)
    assert not made.masks

"""Grouping: together what belongs together, once within its window, and never a grave one silenced by a mild one."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from midwatch_alerts.entry import Entry, Stage, Trouble
from midwatch_alerts.grouping import Batch, Grouping, Rules
from midwatch_alerts.message import MessageKind
from midwatch_alerts.routing import Step
from midwatch_alerts.told import ToldBook
from midwatch_alerts.waiting import MOST_WAITING, Waiting
from midwatch_core import Incident, IncidentChange, Severity
from tests.plugins.alerts.alerts_house import NOW, incident

BEGAN, WORSE = IncidentChange.BEGAN, IncidentChange.WORSE
ACKNOWLEDGED, RESOLVED = IncidentChange.ACKNOWLEDGED, IncidentChange.RESOLVED
OPS = [Step(channel="ops")]
ESCALATES = [Step(channel="ops", escalate_to=("boss",), after_s=900)]


@dataclass
class Desk:
    """A grouping, and the moment it is asked at."""

    keyed: frozenset[str] = frozenset()
    now_s: float = 1_000_000.0
    waiting: Waiting = field(default_factory=Waiting)
    book: ToldBook = field(default_factory=lambda: ToldBook(cooldown_s=3600))
    messages: int = 0

    def __post_init__(self) -> None:
        rules = Rules(group_s=30, digest_s=600, channels=("ops", "boss"), keyed=self.keyed)
        self.grouping = Grouping(rules, self.waiting, self.book)

    def take(self, one: Incident, change: IncidentChange = BEGAN, steps: Iterable[Step] = OPS) -> None:
        self.grouping.take(one, change, steps, self.now_s)

    def after(self, seconds: float) -> list[Batch]:
        """What is told so much later, and it counts as told."""
        self.now_s += seconds
        batches = list(self.grouping.due(self.now_s))
        for batch in batches:
            self.messages += 1
            self.grouping.told(batch.entries, f"m-{self.messages}", self.now_s)
        return batches

    def said(self, seconds: float) -> list[tuple[str, str, list[str]]]:
        return [
            (batch.group.channel, batch.group.kind.value, [entry.incident.id for entry in batch.entries])
            for batch in self.after(seconds)
        ]


def over(one: Incident) -> Incident:
    return replace(one, resolved_at=NOW)


def taken_on(one: Incident) -> Incident:
    return replace(one, acknowledged_at=NOW, acknowledged_by="ann")


def test_what_begins_within_the_window_goes_out_together_the_gravest_first() -> None:
    desk = Desk()
    desk.take(incident(1))
    assert desk.said(20) == []
    desk.take(incident(2, severity=Severity.HIGH))
    assert desk.said(9) == []
    assert desk.said(1) == [("ops", "began", ["i-2", "i-1"])]
    assert desk.said(3600) == []


def test_categories_and_tenants_are_told_apart() -> None:
    desk = Desk()
    differing: list[dict[str, str | None]] = [{}, {"tenant": "lab"}, {"category": "budget"}, {"tenant": None}]
    for number, changes in enumerate(differing):
        desk.take(incident(number, **changes))
    assert [one[2] for one in desk.said(30)] == [["i-0"], ["i-1"], ["i-2"], ["i-3"]]


def test_a_critical_one_goes_at_once_and_a_storm_of_them_together() -> None:
    desk = Desk()
    critical = Severity.CRITICAL
    desk.take(incident(1, severity=critical))
    assert desk.said(0) == [("ops", "began", ["i-1"])]
    desk.take(incident(2, severity=critical))
    desk.take(incident(3, severity=critical))
    assert desk.said(29) == []
    assert desk.said(1) == [("ops", "began", ["i-2", "i-3"])]


def test_the_same_trouble_is_not_told_anew_within_its_cooldown_and_then_it_is_if_it_goes_on() -> None:
    desk = Desk()
    desk.take(incident(1))
    desk.after(30)
    desk.take(over(incident(1)), RESOLVED)
    assert desk.said(30) == [("ops", "resolved", ["i-1"])]
    again = incident(1, id="i-again")
    desk.take(again)
    assert desk.said(3500) == []
    assert desk.said(70) == [("ops", "began", ["i-again"])]


def test_one_that_flaps_within_its_cooldown_is_told_once() -> None:
    desk = Desk()
    desk.take(incident(1))
    assert len(desk.said(30)) == 1
    desk.take(over(incident(1)), RESOLVED)
    assert len(desk.said(30)) == 1
    for number in range(20):
        flap = incident(1, id=f"flap-{number}")
        desk.take(flap)
        assert desk.said(60) == []
        desk.take(over(flap), RESOLVED)
        assert desk.said(60) == []
    assert desk.said(7200) == []


def test_a_mild_one_never_silences_a_critical_one() -> None:
    desk = Desk()
    desk.take(incident(1, severity=Severity.LOW))
    assert desk.said(600) == [("ops", "digest", ["i-1"])]
    desk.take(over(incident(1, severity=Severity.LOW)), RESOLVED)
    desk.take(incident(1, id="i-grave", severity=Severity.CRITICAL))
    assert ("ops", "began", ["i-grave"]) in desk.said(0)


def test_getting_worse_is_told_of_what_was_told_and_is_a_beginning_elsewhere() -> None:
    desk = Desk()
    desk.take(incident(1))
    desk.after(30)
    both = [*OPS, Step(channel="boss")]
    desk.take(incident(1, severity=Severity.HIGH), WORSE, both)
    assert sorted(desk.said(30)) == [("boss", "began", ["i-1"]), ("ops", "worse", ["i-1"])]


def test_one_that_gets_worse_before_it_is_told_is_told_once() -> None:
    desk = Desk()
    desk.take(incident(1))
    desk.take(incident(1, severity=Severity.CRITICAL), WORSE)
    assert desk.said(0) == [("ops", "began", ["i-1"])]
    assert desk.said(7200) == []


def test_mild_ones_go_out_as_a_digest_also_when_they_are_over() -> None:
    desk = Desk()
    mild = [incident(number, severity=Severity.LOW, category=f"c{number}") for number in range(3)]
    for one in mild:
        desk.take(one)
    desk.take(over(mild[1]), RESOLVED)
    (batch,) = desk.after(600)
    assert batch.group.kind is MessageKind.DIGEST
    assert [entry.incident.resolved_at is None for entry in batch.entries] == [True, False, True]
    desk.take(over(mild[0]), RESOLVED)
    assert desk.said(600) == [("ops", "digest", ["i-0"])]


def test_what_is_over_before_it_is_told_is_not_told() -> None:
    desk = Desk()
    desk.take(incident(1))
    desk.take(over(incident(1)), RESOLVED)
    assert desk.said(7200) == []


def test_ends_go_only_where_the_beginning_was_told() -> None:
    desk = Desk()
    desk.take(over(incident(7)), RESOLVED)
    desk.take(taken_on(incident(7)), ACKNOWLEDGED)
    assert desk.said(60) == []


def test_nobody_acknowledged_so_one_step_of_escalation_follows_and_then_none() -> None:
    desk = Desk()
    desk.take(incident(1), BEGAN, ESCALATES)
    assert desk.said(30) == [("ops", "began", ["i-1"])]
    assert desk.said(899) == []
    assert desk.said(1) == [("boss", "escalation", ["i-1"])]
    assert desk.said(86_400) == []
    desk.take(over(incident(1)), RESOLVED)
    assert sorted(desk.said(30)) == [("boss", "resolved", ["i-1"]), ("ops", "resolved", ["i-1"])]


def test_an_end_is_told_before_the_trouble_begins_anew_and_ends_nothing_but_its_own() -> None:
    desk = Desk(keyed=frozenset({"ops"}))
    desk.take(incident(1))
    desk.after(30)
    desk.take(over(incident(1)), RESOLVED)
    grave = incident(1, id="i-grave", severity=Severity.CRITICAL)
    desk.take(grave)
    assert desk.said(0) == [("ops", "resolved", ["i-1"]), ("ops", "began", ["i-grave"])]
    desk.take(over(grave), RESOLVED)
    assert desk.said(30) == [("ops", "resolved", ["i-grave"])]


def test_acknowledgement_stops_escalation_and_is_told() -> None:
    desk = Desk()
    desk.take(incident(1), BEGAN, ESCALATES)
    desk.after(30)
    desk.take(taken_on(incident(1)), ACKNOWLEDGED)
    assert desk.said(30) == [("ops", "acknowledged", ["i-1"])]
    assert desk.said(7200) == []


def test_one_taken_on_before_it_is_told_is_told_and_never_escalates() -> None:
    desk = Desk()
    desk.take(incident(1), BEGAN, ESCALATES)
    desk.take(taken_on(incident(1)), ACKNOWLEDGED)
    (batch,) = desk.after(30)
    assert batch.entries[0].incident.acknowledged_by == "ann"
    assert desk.said(7200) == []


def test_the_end_stops_escalation() -> None:
    desk = Desk()
    desk.take(incident(1), BEGAN, ESCALATES)
    desk.after(30)
    desk.take(over(incident(1)), RESOLVED)
    desk.after(30)
    assert desk.said(7200) == []


def test_after_a_restart_what_began_lately_comes_again_and_is_not_told_again() -> None:
    desk = Desk()
    desk.take(incident(1), BEGAN, ESCALATES)
    desk.after(30)
    desk.take(incident(1), BEGAN, ESCALATES)
    assert desk.said(600) == []


def test_a_service_that_groups_by_itself_gets_each_incident_alone_and_no_digest() -> None:
    desk = Desk(keyed=frozenset({"ops"}))
    desk.take(incident(1))
    desk.take(incident(2, severity=Severity.INFO))
    assert desk.said(30) == [("ops", "began", ["i-1"]), ("ops", "began", ["i-2"])]


def test_a_message_that_never_arrived_was_not_told() -> None:
    desk = Desk()
    desk.take(incident(1))
    desk.after(30)
    desk.book.unsay("m-1")
    desk.take(over(incident(1)), RESOLVED)
    assert desk.said(30) == []
    desk.take(incident(1, id="i-next"))
    assert desk.said(30) == [("ops", "began", ["i-next"])]


def test_a_storm_is_one_message_whatever_does_not_fit_is_counted_and_a_grave_one_finds_room() -> None:
    desk = Desk()
    for number in range(10_000):
        desk.take(incident(number))
    desk.take(incident(10_000, severity=Severity.HIGH))
    assert len(desk.waiting) == MOST_WAITING
    (batch,) = desk.after(30)
    assert batch.entries[0].incident.id == "i-10000"
    assert len(batch.entries) + batch.left_out == 10_001
    assert desk.said(30) == []
    desk.take(incident(20_000))
    assert [batch.left_out for batch in desk.after(30)] == [0]


def test_edits_say_what_waits_now_and_what_no_more() -> None:
    desk = Desk()
    desk.take(incident(1), BEGAN, ESCALATES)
    edits = desk.waiting.edits()
    key = (Stage.OPENING, Trouble("ops", "acme", "finding:1"))
    assert list(edits.put) == [key]
    assert not desk.waiting.edits()
    desk.after(30)
    edits = desk.waiting.edits()
    assert edits.gone == {key}
    assert list(edits.put) == [(Stage.ESCALATION, Trouble("boss", "acme", "finding:1"))]


MOVES = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([BEGAN, WORSE, ACKNOWLEDGED, RESOLVED]),
        st.sampled_from(list(Severity)),
        st.sampled_from([0.0, 5.0, 40.0, 700.0, 4000.0]),
    ),
    max_size=40,
)


@dataclass
class Lives:
    """Incidents as core has them: an id for each life, severities that rise, one end. `desk` is told of each change."""

    desk: Desk
    alive: dict[int, Incident] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    begun: int = 0

    def move(self, number: int, change: IncidentChange, severity: Severity) -> None:
        one = self.alive.get(number)
        if change is BEGAN and one is None:
            self.begun += 1
            self._now(number, incident(number, id=f"life-{self.begun}", severity=severity), BEGAN)
        elif change is WORSE and one is not None and severity.rank > one.severity.rank:
            self._now(number, replace(one, severity=severity), WORSE)
        elif change is ACKNOWLEDGED and one is not None and one.acknowledged_at is None:
            self._now(number, taken_on(one), ACKNOWLEDGED)
        elif change is RESOLVED and one is not None:
            self.ended.add(one.id)
            self._now(number, over(one), RESOLVED)
            del self.alive[number]

    def _now(self, number: int, one: Incident, change: IncidentChange) -> None:
        self.alive[number] = one
        self.desk.take(one, change, ESCALATES)


@given(MOVES, st.booleans())
def test_whatever_happens_nothing_is_told_twice_within_its_window_and_every_end_is_told(
    moves: list[tuple[int, IncidentChange, Severity, float]], keyed: bool
) -> None:
    desk = Desk(keyed=frozenset({"ops"}) if keyed else frozenset())
    lives = Lives(desk)
    openings: dict[str, list[tuple[float, Severity]]] = {}
    told: dict[str, set[str]] = {"ops": set(), "boss": set()}
    ends: dict[str, set[str]] = {"ops": set(), "boss": set()}

    def note(entry: Entry) -> None:
        stage, trouble = entry.key
        if stage is Stage.CLOSING:
            assert entry.incident.id in told[trouble.channel]
        else:
            told[trouble.channel].add(entry.incident.id)
        if entry.incident.resolved_at is not None:
            assert entry.incident.id not in ends[trouble.channel]
            ends[trouble.channel].add(entry.incident.id)
        if stage is Stage.OPENING:
            before = openings.setdefault(trouble.fingerprint, [])
            severity = entry.incident.severity
            assert all(desk.now_s - at_s >= 3600 or severity.rank > said.rank for at_s, said in before)
            before.append((desk.now_s, severity))

    for number, change, severity, passes in [*moves, (0, ACKNOWLEDGED, Severity.INFO, 20_000.0)]:
        lives.move(number, change, severity)
        for batch in desk.after(passes):
            for entry in batch.entries:
                note(entry)
    for channel, ids in told.items():
        assert ids & lives.ended == ends[channel]

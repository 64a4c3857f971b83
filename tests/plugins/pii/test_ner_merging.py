"""Who wins where the model and a pattern found something in the same place."""

import pytest

from midwatch_core import Detection, Severity
from midwatch_pii.ner.entities import Entity, Kind
from midwatch_pii.ner.merging import beside, detections


def hit(kind: str, start: int, end: int) -> Detection:
    return Detection(
        rule="pii/x", category="pii", severity=Severity.LOW, confidence=1, message="", start=start, end=end, kind=kind
    )


@pytest.mark.parametrize(
    ("kind", "hits", "stays"),
    [
        (Kind.PERSON, [], True),
        (Kind.PERSON, [hit("EMAIL", 0, 10), hit("EMAIL", 20, 30)], True),
        (Kind.PERSON, [hit("EMAIL", 0, 11)], False),
        (Kind.PERSON, [hit("EMAIL", 12, 14)], False),
        (Kind.PERSON, [hit("ADDRESS", 0, 50), hit("EMAIL", 2, 4)], False),
        (Kind.ADDRESS, [hit("ADDRESS", 10, 20)], False),
        (Kind.ADDRESS, [hit("ADDRESS", 10, 19)], True),
        (Kind.ADDRESS, [hit("ADDRESS", 5, 25)], False),
        (Kind.ADDRESS, [hit("ADDRESS", 10, 13), hit("ADDRESS", 15, 20)], True),
        (Kind.ADDRESS, [hit("ADDRESS", 10, 13), hit("PHONE", 15, 20)], False),
        (Kind.LOCATION, [hit("ADDRESS", 10, 13)], False),
    ],
)
def test_a_pattern_wins_but_against_a_longer_entity_of_its_kind(kind: Kind, hits: list[Detection], stays: bool) -> None:
    entity = Entity(kind, 10, 20, 0.9)
    assert list(beside([entity], hits)) == ([entity] if stays else [])
    assert list(beside([entity], hits[::-1])) == ([entity] if stays else [])


def test_an_entity_is_a_detection_never_surer_than_the_model_is_right() -> None:
    text = "Jane in Rome"
    entities = [Entity(Kind.PERSON, 0, 4, 1.0), Entity(Kind.LOCATION, 8, 12, 0.7)]
    jane, rome = detections(entities, text, lambda kind, value: False)
    assert (jane.rule, jane.kind, jane.confidence, jane.category) == ("pii/person-name", "PERSON", 0.98, "pii")
    assert (rome.rule, rome.kind, rome.severity) == ("pii/place", "LOCATION", Severity.LOW)


def test_what_settings_allow_is_no_detection() -> None:
    entities = [Entity(Kind.PERSON, 0, 4, 0.9)]
    assert detections(entities, "Jane", lambda kind, value: (kind, value) == ("PERSON", "Jane")) == []

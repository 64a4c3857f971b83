"""What a scrape says, read by Prometheus' own parsers: every value, whatever stands in labels and numbers."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from midwatch_core.metrics import MetricKind, MetricSpec, Sample
from midwatch_web.machines.exposition import text_of

CALLS = MetricSpec(name="calls_total", kind=MetricKind.COUNTER, help='Calls, by "name"', labels=("name", "b"))
OPEN = MetricSpec(name="open", kind=MetricKind.GAUGE, help="Two\nlines and a \\")
TIME = MetricSpec(name="time_seconds", kind=MetricKind.HISTOGRAM, help="Time", labels=("a",), buckets=(0.00005, 1, 2.5))
ALL = {spec.name: spec for spec in (CALLS, OPEN, TIME)}
SAMPLES = (
    Sample(name="calls_total", labels=("x", "y"), values=(3,)),
    Sample(name="open", labels=(), values=(1e21,)),
    Sample(name="time_seconds", labels=("x",), values=(1, 2, 0, 4, 12.5)),
)
type Parse = Callable[[str], Iterable[Any]]
FORMATS: Sequence[Any] = [
    pytest.param(False, text_string_to_metric_families, id="text"),
    pytest.param(True, openmetrics_parser.text_string_to_metric_families, id="openmetrics"),
]


def read(text: bytes, parse: Parse) -> list[Any]:
    return list(parse(text.decode()))


def flat(families: Iterable[Any]) -> dict[tuple[Any, ...], float]:
    return {(item.name, *sorted(item.labels.items())): item.value for family in families for item in family.samples}


@pytest.mark.parametrize(("openmetrics", "parse"), FORMATS)
def test_every_value_is_read_back(openmetrics: bool, parse: Parse) -> None:
    families = read(text_of(ALL, SAMPLES, openmetrics=openmetrics), parse)
    assert [(family.name, family.type) for family in families] == [
        ("calls", "counter"),
        ("open", "gauge"),
        ("time_seconds", "histogram"),
    ]
    assert [family.documentation for family in families] == [CALLS.help, OPEN.help, TIME.help]
    bucket = ("time_seconds_bucket", ("a", "x"))
    assert flat(families) == {
        ("calls_total", ("b", "y"), ("name", "x")): 3,
        ("open",): 1e21,
        (*bucket, ("le", "5e-05")): 1,
        (*bucket, ("le", "1.0")): 3,
        (*bucket, ("le", "2.5")): 3,
        (*bucket, ("le", "+Inf")): 7,
        ("time_seconds_count", ("a", "x")): 7,
        ("time_seconds_sum", ("a", "x")): 12.5,
    }


@pytest.mark.parametrize(("openmetrics", "parse"), FORMATS)
@given(label=st.text(), number=st.floats(allow_nan=False))
def test_no_label_and_no_number_breaks_a_scrape(openmetrics: bool, parse: Parse, label: str, number: float) -> None:
    sample = Sample(name="open", labels=(label,), values=(number,))
    spec = MetricSpec(name="open", kind=MetricKind.GAUGE, help="", labels=("a",))
    families = read(text_of({"open": spec}, [sample], openmetrics=openmetrics), parse)
    shown = label.encode("utf-8", "replace").decode()
    assert flat(families) == {("open", ("a", shown)): number}


def test_what_is_no_number_is_said_so() -> None:
    (family,) = read(
        text_of({"open": OPEN}, [Sample(name="open", labels=(), values=(math.nan,))]), text_string_to_metric_families
    )
    assert math.isnan(family.samples[0].value)


@pytest.mark.parametrize(
    "foreign",
    [
        Sample(name="unknown", labels=(), values=(1.0,)),
        Sample(name="calls_total", labels=("x",), values=(1.0,)),
        Sample(name="time_seconds", labels=("x",), values=(1.0,)),
    ],
    ids=["unknown", "labels", "buckets"],
)
def test_a_sample_that_fits_no_metric_is_left_out(foreign: Sample) -> None:
    assert text_of(ALL, [*SAMPLES, foreign]) == text_of(ALL, SAMPLES)


@pytest.mark.parametrize(("name", "label"), [("a b", "c"), ("a\n# EOF", "c"), ("a", "b-c"), ("1a", "c"), ("a", "")])
def test_a_metric_with_a_name_that_is_none_is_left_out(name: str, label: str) -> None:
    spec = MetricSpec(name=name, kind=MetricKind.GAUGE, help="", labels=(label,))
    assert text_of({name: spec, **ALL}, SAMPLES) == text_of(ALL, SAMPLES)


def test_a_metric_without_samples_has_its_help() -> None:
    assert text_of({"open": OPEN}, []) == b"# HELP open Two\\nlines and a \\\\\n# TYPE open gauge\n"

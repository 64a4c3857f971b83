"""PromQL as its own grammar reads it: which metrics an expression asks for, with which labels."""

import importlib
from collections.abc import Iterator
from typing import Any

from midwatch_core.metrics import MetricKind, MetricSpec
from tests.beside import PROMQL, beside

beside(*PROMQL, module="promql_parser")
promql: Any = importlib.import_module("promql_parser")

# What a scrape brings by itself.
_SCRAPE = {"up": {"job", "instance"}}
_HISTOGRAM = {"_bucket": {"le"}, "_count": set[str](), "_sum": set[str]()}


def served(specs: dict[str, MetricSpec]) -> dict[str, set[str]]:
    """The series that Prometheus has of these metrics, and the labels of each but those of the scrape."""
    series = dict(_SCRAPE)
    for spec in specs.values():
        if spec.kind is MetricKind.HISTOGRAM:
            series |= {spec.name + ending: {*spec.labels, *more} for ending, more in _HISTOGRAM.items()}
        else:
            series[spec.name] = set(spec.labels)
    return series


def selected(expression: str) -> list[tuple[str, set[str]]]:
    """Each series that an expression selects, and the labels it selects it by. Raises ValueError for no PromQL."""
    return [
        (str(node.name), {matcher.name for matcher in node.matchers.matchers})
        for node in _nodes(promql.parse(expression))
        if isinstance(node, promql.VectorSelector)
    ]


def grouped(expression: str) -> set[str]:
    """The labels that aggregations of an expression keep."""
    return {
        label
        for node in _nodes(promql.parse(expression))
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None
        for label in node.modifier.labels
    }


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        if (child := getattr(node, name, None)) is not None:
            yield from _nodes(child)
    for argument in getattr(node, "args", None) or ():
        yield from _nodes(argument)

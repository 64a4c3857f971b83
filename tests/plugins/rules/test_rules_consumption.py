"""Denial of wallet: what asks for too much, and agents that ask for a lot."""

from typing import Any

import pytest

from midwatch_core import Part
from midwatch_rules_engine.bounds import Bounds
from midwatch_rules_engine.consumption import asked, consumption
from tests.plugins.rules.calls import call


def rules(bounds: Bounds | None = None, *, text: str = "hello", **request: Any) -> list[str]:
    found = consumption(call((Part.USER, text), **request).request, bounds or Bounds())
    assert all(finding.owasp == ("LLM10:2025",) for finding in found)
    return [finding.rule.rpartition("/")[2] for finding in found]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"max_tokens": 1_000_000}, ["output-tokens"]),
        ({"max_completion_tokens": 500_000}, ["output-tokens"]),
        ({"generationConfig": {"maxOutputTokens": 10_000_000}}, ["output-tokens"]),
        ({"options": {"num_predict": 1e9}}, ["output-tokens"]),
        ({"inferenceConfig": {"maxTokens": 900_000}}, ["output-tokens"]),
        ({"max_tokens": 10_000, "n": 128}, ["output-tokens", "candidates"]),
        ({"n": 100}, ["candidates"]),
        ({"generationConfig": {"candidateCount": 64}}, ["candidates"]),
    ],
)
def test_what_asks_for_too_much(parameters: dict[str, Any], found: list[str]) -> None:
    assert rules(parameters=parameters) == found


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"max_tokens": 32_000},
        {"max_tokens": 128_000, "thinking": {"type": "enabled", "budget_tokens": 64_000}},
        {"n": 8, "max_tokens": 4096},
        {"options": {"num_predict": -1}},
        {"max_tokens": None, "n": True, "options": "none", "generationConfig": [1]},
        {"max_tokens": "1000000000"},
        {"max_tokens": 10**400, "n": float("inf")},
    ],
)
def test_what_agents_and_strangers_send(parameters: dict[str, Any]) -> None:
    assert rules(parameters=parameters) == []


def test_sizes() -> None:
    assert rules(text="word " * 120_000, tools=tuple(f"tool-{number}" for number in range(64))) == []
    assert rules(text="word " * 900_000) == ["request-size"]
    assert rules(tools=("tool",) * 600) == ["tools"]


def test_bounds_are_the_users() -> None:
    assert rules(Bounds(output_tokens=1000, tools=1), parameters={"max_tokens": 2000}, tools=("a", "b")) == [
        "output-tokens",
        "tools",
    ]
    assert rules(Bounds(output_tokens=None), parameters={"max_tokens": 10**9}) == []


def test_the_largest_of_several_counts() -> None:
    assert asked({"max_tokens": 5, "generationConfig": {"max_tokens": 7}}, ("max_tokens",)) == 7

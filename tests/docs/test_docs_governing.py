"""The page on limits and budgets: its examples are configurations that hold, and what it names is there."""

import re
from pathlib import Path

import pytest

from midwatch.proxy.numbers import GOVERNING as METRICS
from midwatch_core.config import load_config
from midwatch_core.governing.bounds import bound_of
from midwatch_core.governing.refusals import AWAY, LIMITED, SPENT
from midwatch_core.governing.rules import Rules
from midwatch_core.governing.settings import DEFAULT_LIMITS, BudgetRule, GovernanceSettings, LimitRule, Period
from midwatch_core.model.content import Operation, Request

_PAGE = (Path(__file__).parents[2] / "docs" / "governing.md").read_text()
_EXAMPLES = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)


@pytest.mark.parametrize("example", _EXAMPLES)
def test_each_example_is_a_configuration(example: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(example)
    config = load_config(file=file, flags={}, environ={})
    assert Rules(config.limits, config.budgets).prices


def test_the_first_example_says_what_it_shows(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(_EXAMPLES[0])
    config = load_config(file=file, flags={}, environ={})
    assert config.limits[:1] == DEFAULT_LIMITS
    assert [(rule.period, rule.hard, rule.per) for rule in config.budgets] == [
        (Period.MONTH, True, ("tenant",)),
        (Period.DAY, True, ("tenant",)),
        (Period.WEEK, False, ("agent",)),
    ]


def test_the_metrics_and_codes_on_the_page_are_all_there_are() -> None:
    assert set(re.findall(r"midwatch_\w+", _PAGE)) == {spec.name for spec in METRICS}
    labels = {name: tuple(text.split(",")) for name, text in re.findall(r"`(midwatch_\w+)\{(.*?)\}", _PAGE)}
    assert labels == {spec.name: spec.labels for spec in METRICS if spec.labels}
    assert set(re.findall(r"(?:429|503) `(\w+)`", _PAGE)) == {LIMITED, SPENT, AWAY}


def test_the_numbers_on_the_page_are_the_defaults() -> None:
    defaults = GovernanceSettings()
    assert f"`governance.assumed_output_tokens` ({defaults.assumed_output_tokens:,})" in _PAGE
    assert f"`governance.hold_s`** ({defaults.hold_s / 60:g} minutes)" in _PAGE
    assumed = BudgetRule(id="b", usd=1).assumed_usd_per_million_tokens
    assert f"`assumed_usd_per_million_tokens` ({assumed:f};" in _PAGE
    tools = Request(operation=Operation.CHAT, model="m", tools=("t",))
    more = bound_of(tools, "openai.chat", body_bytes=0, assumed_output_tokens=1).input_tokens
    assert f"{more:,} more where it has tools" in _PAGE
    assert all(f"`{kind}`" in _PAGE for kind in ("requests_per_s", "tokens", "usd", "concurrent"))
    assert LimitRule.model_fields["window_s"].default == 60

"""The page on models: its examples are settings, and its table of settings is what there is."""

import re
from pathlib import Path

import pytest
import yaml

from midwatch_ml.settings import DEFENDER, ModelSettings, Settings

_PAGE = (Path(__file__).parents[2] / "docs" / "ml.md").read_text()
_EXAMPLES = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)


@pytest.mark.parametrize("example", _EXAMPLES)
def test_each_example_is_a_section(example: str) -> None:
    assert Settings.model_validate(yaml.safe_load(example)["ml"]).models


def test_the_first_example_lists_the_default_as_it_is() -> None:
    assert Settings.model_validate(yaml.safe_load(_EXAMPLES[0])["ml"]).models[0] == DEFENDER


def test_the_table_names_every_setting_of_a_model() -> None:
    table = _PAGE.partition("| setting of a model |")[2].partition("\n\n")[0]
    named = [
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert sorted(named) == sorted(ModelSettings.model_fields)

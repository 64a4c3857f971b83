"""A pytest plugin: collects `*.rules.yaml`, one test a rule, so that a pack tests itself; and brings the `fixtures`.

Checks that rules name by `validate` come from the ini option `midwatch_validators`: lines of `module:MAPPING`.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from midwatch_core.rulepack import Pack, Rule, RulePackError, RuleSet, Validator, load_pack, rule_problems

SUFFIX = ".rules.yaml"
# Read by pytest: whoever has this plugin has the fixtures too.
pytest_plugins = ["midwatch_core.testing.fixtures"]


class RuleProblemsError(Exception):
    """A rule's examples are not what it says; the message has one line a problem."""


class RuleItem(pytest.Item):
    """One rule, tried on its examples."""

    def __init__(self, *, rules: RuleSet, rule: Rule, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rules = rules
        self.rule = rule

    def runtest(self) -> None:
        """Fails with the rule's problems."""
        if problems := rule_problems(self.rules, self.rule):
            raise RuleProblemsError("\n".join(problems))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The problems alone: a traceback into the engine tells an author of rules nothing."""
        if isinstance(excinfo.value, RuleProblemsError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file and the rule's full id."""
        return self.path, None, self.rule.id


class PackFile(pytest.File):
    """One pack; a pack that does not load is an error of collection, in its own words."""

    def collect(self) -> Iterator[RuleItem]:
        """One item a rule."""
        try:
            pack: Pack = load_pack(self.path.read_bytes(), self.path.name)
            rules = RuleSet([pack], validators=_validators(self.config))
        except RulePackError as error:
            raise self.CollectError(str(error)) from error
        for rule in pack.rules:
            yield RuleItem.from_parent(self, name=rule.spec.id, rules=rules, rule=rule)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini option for checks."""
    parser.addini("midwatch_validators", "module:MAPPING of checks that rule packs name", type="linelist", default=[])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PackFile | None:
    """Packs, by their name."""
    return PackFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIX) else None


def _validators(config: pytest.Config) -> dict[str, Validator]:
    known: dict[str, Validator] = {}
    for line in config.getini("midwatch_validators"):
        module, _, name = line.partition(":")
        known |= getattr(importlib.import_module(module), name)
    return known

"""A pack's examples, checked: each must match or must not, by exactly the engine that guards traffic."""

from collections.abc import Mapping

from midwatch_core.model.segment import Part
from midwatch_core.rulepack.compiling import Pack, Rule
from midwatch_core.rulepack.matching import RuleSet, Validator
from midwatch_core.views import Text


def self_test(pack: Pack, validators: Mapping[str, Validator] | None = None) -> list[str]:
    """The pack's problems, one line each, empty if all is well: examples that do not match, or do.

    Raises RulePackError if a rule names a check that `validators` lacks. Deprecated rules are not tried.
    """
    rules = RuleSet([pack], validators=validators)
    return [problem for rule in pack.rules for problem in rule_problems(rules, rule)]


def rule_problems(rules: RuleSet, rule: Rule) -> list[str]:
    """The problems of one of the set's rules, one line each."""
    if rule.spec.maturity == "deprecated":
        return []
    part = rule.spec.where[0] if rule.spec.where else Part.USER
    examples = rule.spec.examples
    silent = [one for one in examples.match if not _fires(rules, rule.id, one, part)]
    loud = [one for one in examples.pass_ if _fires(rules, rule.id, one, part)]
    return [f"{rule.id}: must match, does not: {_short(one)}" for one in silent] + [
        f"{rule.id}: must not match, does: {_short(one)}" for one in loud
    ]


def _fires(rules: RuleSet, rule: str, example: str, part: Part) -> bool:
    return any(detection.rule == rule for detection in rules.match(Text(example), part))


def _short(example: str) -> str:
    return repr(example if len(example) <= 120 else example[:117] + "…")

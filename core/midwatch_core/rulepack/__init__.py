"""Rule packs: YAML in, detections out; loaded by `load_pack`, matched together by `RuleSet`."""

from midwatch_core.rulepack.compiling import Pack, Rule
from midwatch_core.rulepack.errors import RulePackError
from midwatch_core.rulepack.hostile import DEFAULT_BUDGET_S
from midwatch_core.rulepack.loading import load_pack
from midwatch_core.rulepack.matching import RuleSet, Validator
from midwatch_core.rulepack.prefilter import Prefilter
from midwatch_core.rulepack.presence import Presence
from midwatch_core.rulepack.schema import pack_schema
from midwatch_core.rulepack.selftest import rule_problems, self_test

__all__ = [
    "DEFAULT_BUDGET_S",
    "Pack",
    "Prefilter",
    "Presence",
    "Rule",
    "RulePackError",
    "RuleSet",
    "Validator",
    "load_pack",
    "pack_schema",
    "rule_problems",
    "self_test",
]

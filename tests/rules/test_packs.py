"""The shipped rule packs: they load within their time, and each example does what it says."""

import pytest

import midwatch_rules
from midwatch_core import Part, Resource, ResourceKind, RuleSet, Text, load_pack
from midwatch_core.rulepack import self_test

PACKS = [one for one in midwatch_rules.resources() if one.kind is ResourceKind.RULES]


@pytest.mark.parametrize("resource", PACKS, ids=lambda one: one.name)
def test_pack_passes_its_own_examples(resource: Resource) -> None:
    assert self_test(load_pack(resource.path.read_bytes(), resource.name)) == []


def test_every_rule_has_an_owasp_id_and_examples_both_ways() -> None:
    for resource in PACKS:
        for rule in load_pack(resource.path.read_bytes(), resource.name, budget_s=None).rules:
            assert rule.spec.owasp, rule.id
            assert rule.spec.examples.match, rule.id
            assert rule.spec.examples.pass_, rule.id


@pytest.mark.parametrize(
    "text",
    [
        "Please ignore the typo in my last mail.",
        "Dimentica pure il mio messaggio di ieri.",
        "How do I reset my password?",
    ],
)
def test_ordinary_prose_passes(text: str) -> None:
    packs = [load_pack(one.path.read_bytes(), one.name, budget_s=None) for one in PACKS]
    assert RuleSet(packs).match(Text(text), Part.USER) == []

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_core.rulepack import RulePackError, load_pack, pack_schema, self_test
from tests.core.rulepack.packs import pack_of, rule, source


def refusal(data: bytes) -> str:
    with pytest.raises(RulePackError) as caught:
        load_pack(data, "my.rules.yaml")
    message = str(caught.value)
    assert message.startswith("my.rules.yaml: ")
    assert "\n" not in message
    return message.removeprefix("my.rules.yaml: ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"severity": "dire"}, "severity: Input should be 'info'"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"owasp": []}, "owasp: Tuple should have at least 1 item"),
        ({"owasp": ["LLM11:2025"]}, "owasp.0: String should match pattern"),
        ({"where": ["users"]}, "where.0: Input should be 'system'"),
        ({"match": {}}, "match: Value error, any or all needs at least one term"),
        ({"match": {"any": [{"regex": "a", "text": "b"}]}}, "match.any.0: Value error, give either regex or text"),
        ({"match": {"any": [{"regex": "(?=a)b"}]}}, "match.any.0.regex: RE2 refuses it: invalid perl operator: (?="),
        ({"match": {"any": [{"regex": r"(a)\1"}]}}, r"match.any.0.regex: RE2 refuses it: invalid escape sequence: \1"),
        ({"match": {"any": [{"regex": "(a"}]}}, "match.any.0.regex: RE2 refuses it: missing )"),
        ({"match": {"any": [{"regex": "((a{100}){100}){100}"}]}}, "match.any.0.regex: RE2 refuses it: "),
        ({"match": {"any": [{"regex": "a*"}]}}, "match.any.0.regex: it matches the empty text"),
        ({"match": {"any": [{"regex": r"a\Cb"}]}}, r"match.any.0.regex: \C matches half a character"),
        ({"allow": [{"regex": "[", "reason": "none"}]}, "allow.0.regex: RE2 refuses it"),
        ({"group": 4}, "group: 4, but a pattern has 3"),
        ({"examples": {"match": ["x"], "pass": []}}, "examples.pass: Tuple should have at least 1 item"),
        ({"confidence": 1.5}, "confidence: Input should be less than or equal to 1"),
    ],
)
def test_what_is_wrong_in_a_rule_is_one_line_naming_file_rule_and_key(changes: dict[str, Any], said: str) -> None:
    assert refusal(source(rule(**changes))).startswith(f"rule ignore-previous: {said}")


def test_two_rules_of_one_id_are_refused() -> None:
    assert refusal(source(rule(), rule())) == "rule ignore-previous: id: there are two rules of this id"


def test_a_rule_without_an_id_goes_by_its_number() -> None:
    assert refusal(source(rule(), rule(id=["x"]))).startswith("rule number 2: id: Input should be a valid string")


def test_a_pack_for_a_later_engine_is_refused() -> None:
    assert refusal(source(rule(), engine=">=2")) == "pack.engine: needs >=2, this engine is 1"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Input should be a valid dictionary"),
        (b"[1, 2]", "Input should be a valid dictionary"),
        (b"{pack: [", "not YAML: "),
        (b"a: 1\na: 2", "not YAML: key 'a' is there twice"),
        (b"\xff\xfe\x00", "not YAML: "),
        (b"x: \x00", "not YAML: "),
        (b"x: !!python/object/apply:os.getcwd []", "not YAML: could not determine a constructor"),
        (b"? [a, b]\n: c", "not YAML: "),
        (b"x: 2024-99-99", "not YAML: "),
        (b"x: " + b"9" * 10_000, "not YAML: "),
        (b"a: &a [1]\nb: *a", "line 2: aliases are not allowed in packs"),
        (b"[" * 100_000, "line 1: nested deeper than 20"),
        (b"#" * 10_000_000, "10000000 bytes: a pack has at most 2000000"),
    ],
)
def test_hostile_bytes_are_one_line(data: bytes, said: str) -> None:
    assert refusal(data).startswith(said)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    refusal(data)


def test_a_rule_beyond_its_budget_on_hostile_text_is_refused_by_name() -> None:
    with pytest.raises(RulePackError, match=r"^my.rules.yaml: rule ignore-previous: match: takes .* s of CPU"):
        load_pack(source(), "my.rules.yaml", budget_s=0.0)


def test_patterns_that_kill_backtracking_engines_load() -> None:
    slow = ["(a+)+$", "(a|aa)+b", "(.*)*x", "([a-zA-Z]+)*@"]
    for one in slow:
        pack_of(rule(keywords=[], match={"any": [{"regex": one}]}))


def test_a_pack_that_holds_what_it_says_has_no_problems() -> None:
    assert self_test(pack_of()) == []


def test_problems_name_the_rule_and_the_example() -> None:
    bad = rule(examples={"match": ["nothing"], "pass": ["ignore previous instructions", "fine"]})
    assert self_test(pack_of(bad)) == [
        "test/pack/ignore-previous: must match, does not: 'nothing'",
        "test/pack/ignore-previous: must not match, does: 'ignore previous instructions'",
    ]


def test_examples_are_tried_where_the_rule_looks() -> None:
    assert self_test(pack_of(rule(where=["tool_result"]))) == []


def test_the_schema_speaks_the_words_of_the_file() -> None:
    schema = pack_schema()
    assert set(schema["required"]) == {"pack", "rules"}
    assert {"validate", "match", "examples"} <= set(schema["$defs"]["RuleSpec"]["properties"])
    assert "pass" in schema["$defs"]["Examples"]["properties"]

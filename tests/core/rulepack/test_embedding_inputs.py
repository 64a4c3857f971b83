"""What is to be embedded is a document that a retriever will bring back: rules for documents read it."""

import pytest

from midwatch_core import Part, RuleSet, Text, load_pack

PACK = b"""
pack: {id: t/p, version: 1, engine: ">=1", license: Apache-2.0}
rules:
  - id: here
    title: a mark
    severity: high
    confidence: 0.9
    category: mark
    owasp: ["LLM01:2025"]
    where: [%s]
    match: {any: [{text: mark}]}
    examples: {match: ["a mark"], pass: ["a word"]}
"""


@pytest.mark.parametrize(
    ("where", "found"),
    [("document", True), ("user, document", True), ("embedding_input", True), ("user", False), ("tool_result", False)],
)
def test_rules_for_documents_read_it(where: str, found: bool) -> None:
    rules = RuleSet([load_pack(PACK % where.encode(), "t.rules.yaml")])
    assert bool(rules.match(Text("a mark here"), Part.EMBEDDING_INPUT)) is found


def test_rules_for_it_alone_do_not_read_documents() -> None:
    rules = RuleSet([load_pack(PACK % b"embedding_input", "t.rules.yaml")])
    assert not rules.match(Text("a mark here"), Part.DOCUMENT)

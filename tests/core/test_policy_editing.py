"""Editing a policy's YAML: an exception comes into its line, however that is written, and nothing else changes."""

import difflib
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.policy_editing import exception_yaml, with_exception
from midwatch_core.policy_file import read_policy

EXCEPTION = {
    "reason": "judged a false positive: f-1",
    "expires": "2027-02-24",
    "when": {"rule": ["acme/words/one"], "tenant": ["default"]},
}
ITEM = (
    "{reason: 'judged a false positive: f-1', expires: 2027-02-24, when: {rule: [acme/words/one], tenant: [default]}}"
)
SHIPPED = files("midwatch_rules") / "policies"
BLOCK = """\
policy: {id: p}
lines:
  # keys
  - id: a    # the first
    when:
      category: secret
    then: block   # hard
  - {id: b, then: flag}
"""


def added(text: str, line: str) -> list[str]:
    """What is put in, line by line."""
    edited = with_exception(text, line, EXCEPTION)
    assert edited is not None
    told = [row for row in difflib.ndiff(text.splitlines(), edited.splitlines()) if row[0] in "+-"]
    return [row.rstrip() for row in told]


def test_below_a_line_that_is_written_in_rows() -> None:
    assert added(BLOCK, "a") == ["+     exceptions:", f"+       - {ITEM}"]


def test_inside_a_line_that_is_written_in_braces() -> None:
    assert added(BLOCK, "b") == ["-   - {id: b, then: flag}", f"+   - {{id: b, then: flag, exceptions: [{ITEM}]}}"]


@pytest.mark.parametrize(
    "line",
    [
        "- id: a\n  exceptions:\n    - {reason: why not, expires: 2027-01-01}\n    # more\n  then: block\n",
        "- id: a\n  exceptions:\n  - reason: why not\n    expires: 2027-01-01\n  then: block\n",
        "- id: a\n  then: block\n  exceptions: [{reason: why not, expires: 2027-01-01}]",
        "- {id: a, exceptions: [{reason: why not, expires: 2027-01-01}], then: block}",
        "- {id: a, exceptions: [], then: block}",
        "- id: a\n  then: block\n  exceptions:\n    - expires: 2027-01-01\n      reason: |\n        why\n        not\n"
        "- {id: b, then: flag}",
    ],
    ids=["rows", "rows-of-rows", "braces-in-rows", "braces", "none-yet", "a-text-of-rows"],
)
def test_beside_the_exceptions_that_are_there(line: str) -> None:
    text = f"policy: {{id: p}}\nlines:\n{line}"
    before = read_policy(text.encode(), "p").lines[0]
    edited = with_exception(text, "a", EXCEPTION)
    assert edited is not None
    after = read_policy(edited.encode(), "p").lines[0]
    assert after.exceptions[:-1] == before.exceptions
    assert (after.exceptions[-1].expires, after.exceptions[-1].when.rule) == (date(2027, 2, 24), ("acme/words/one",))


@pytest.mark.parametrize("name", ["observe", "balanced", "strict"])
def test_every_line_of_the_shipped_ones_takes_one(name: str) -> None:
    text = (SHIPPED / f"{name}.policy.yaml").read_text()
    for line in read_policy(text.encode(), name).lines:
        assert all(row.startswith("+") for row in added(text, line.id)), line.id


@pytest.mark.parametrize("text", ["", "[", "policy: {id: p}\nlines: []", BLOCK.replace("id: a ", "id: c "), "\ud800"])
def test_where_the_line_is_not_there_nothing_is_made_up(text: str) -> None:
    assert with_exception(text, "a", EXCEPTION) is None


def test_an_exception_that_is_none_is_not_put_in() -> None:
    assert with_exception(BLOCK, "a", {**EXCEPTION, "when": {"tenent": ["x"]}}) is None


@given(st.text(max_size=30))
def test_whatever_an_agent_calls_itself_stays_a_name(name: str) -> None:
    exception = {**EXCEPTION, "when": {"agent": [name]}}
    edited = with_exception(BLOCK, "a", exception)
    if edited is not None:
        assert read_policy(edited.encode(), "p").lines[0].exceptions[-1].when.agent == (name,)
    assert exception_yaml(exception).isascii()

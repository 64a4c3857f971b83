"""Every shipped pack loads within its time budget, and its examples hold."""

import re
from pathlib import Path

import pytest

import midwatch_secrets
from midwatch_core import load_pack
from midwatch_core.rulepack import self_test
from midwatch_secrets.plugin import shipped_packs
from midwatch_secrets.validators import validators

_PACKS = sorted((Path(midwatch_secrets.__file__).parent / "packs").glob("*.rules.yaml"))
_TOKENS = re.compile(
    r"gh[pousr]_[0-9A-Za-z]{36}|sk-ant-api|AKIA[A-Z2-7]{16}|xox[bp]-\d{9}|(?:sk|rk)_live_[0-9A-Za-z]{16}"
    r"|glpat-[\w-]{20}|AIza[\w-]{35}|SG\.[\w-]{22}\.|npm_[0-9A-Za-z]{36}|PRIVATE KEY-----[\\n]+[0-9A-Za-z]{40}"
)


@pytest.mark.parametrize("file", _PACKS, ids=lambda file: file.name)
def test_pack_holds_its_examples(file: Path) -> None:
    pack = load_pack(file.read_bytes(), file.name)
    assert self_test(pack, validators()) == []


@pytest.mark.parametrize("file", _PACKS, ids=lambda file: file.name)
def test_a_scanner_of_repositories_sees_no_token_in_a_pack(file: Path) -> None:
    patterns = [line for line in file.read_text().splitlines() if "regex:" not in line]
    assert [line for line in patterns if _TOKENS.search(line)] == []


def test_all_packs_ship_and_every_secret_can_be_masked() -> None:
    packs = shipped_packs()
    assert [pack.name for pack in packs] == [file.name for file in _PACKS]
    rules = [rule for pack in packs for rule in pack.rules]
    assert len(rules) > 300
    assert all(rule.spec.kind and rule.spec.category == "secret" and rule.spec.validate_ for rule in rules)

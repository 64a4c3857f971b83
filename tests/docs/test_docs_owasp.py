"""The page on OWASP's ten names rules and lines that exist, and all of the ten."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "owasp.md").read_text()
_RULES = _ROOT / "rules" / "midwatch_rules"


def rules() -> set[str]:
    """The ids of all rules of the packs, and of the detectors of whole calls as their sources spell them."""
    found = set()
    for file in sorted((_RULES / "packs").glob("*.rules.yaml")):
        document = yaml.safe_load(file.read_text())
        found |= {f"{document['pack']['id']}/{rule['id']}" for rule in document["rules"]}
    readme = (_ROOT / "plugins" / "rules" / "README.md").read_text()
    names = re.findall(r"`((?:midwatch/exchange/)?[a-z-]+)`", readme)
    return found | {f"midwatch/exchange/{name.removeprefix('midwatch/exchange/')}" for name in names}


@pytest.mark.parametrize("number", range(1, 11))
def test_each_of_the_ten_is_there(number: int) -> None:
    assert re.search(rf"^## LLM{number:02} ", _PAGE, re.MULTILINE)
    assert re.search(rf"^\| LLM{number:02} ", _PAGE, re.MULTILINE)
    assert (_ROOT / "tests" / "e2e" / "owasp" / f"test_e2e_owasp_llm{number:02}.py").exists()


def test_rules_that_are_named_exist() -> None:
    known = rules()
    for name in re.findall(r"`(midwatch/[a-z0-9/*-]+)`", _PAGE):
        assert any(fnmatch(rule, name) for rule in known), name


def test_lines_that_are_named_exist() -> None:
    lines = {line["id"] for line in yaml.safe_load((_RULES / "policies" / "strict.policy.yaml").read_text())["lines"]}
    groups = re.findall(r"\*\* \(((?:`[a-z-]+`(?:,\s)?)+)\)", _PAGE)
    named = {name for group in groups for name in re.findall(r"`([a-z-]+)`", group)}
    assert {"injections-stopped", "runaway-calls", "leaking-answers"} <= named
    assert named <= lines

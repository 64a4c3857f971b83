"""Mappings: complete where they claim to be, honest where nothing can be seen, and checked before they are used."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from midwatch_compliance.frameworks.loading import of_home, shipped
from midwatch_compliance.frameworks.model import CheckName, Framework
from midwatch_compliance.judging.statements import CHECKS
from midwatch_core import ConfigError

ROOT = Path(__file__).parents[3]
OWN: dict[str, Any] = {
    "id": "acme",
    "title": "Acme's rules",
    "help": "What Acme asks for",
    "edition": "1",
    "source": "https://acme.example/rules",
    "scope": "Rules of Acme.",
    "controls": [
        {
            "id": "A.1",
            "title": "Nothing leaks",
            "source": "https://acme.example/rules#a1",
            "sees": "Secrets in prompts.",
            "misses": "Everything else.",
            "checks": [{"check": "findings", "categories": ["secret"]}],
        }
    ],
}


def test_the_frameworks_that_are_promised_are_there() -> None:
    assert set(shipped()) == {"owasp-llm-2025", "gdpr", "soc2", "hipaa", "eu-ai-act"}


def test_the_owasp_mapping_has_all_ten_and_looks_for_each_by_its_own_id() -> None:
    controls = shipped()["owasp-llm-2025"].controls
    assert [control.id for control in controls] == [f"LLM{number:02}:2025" for number in range(1, 11)]
    for control in controls:
        looked_for = [check.owasp for check in control.checks if check.check is CheckName.FINDINGS]
        assert looked_for == ([] if control.id == "LLM09:2025" else [control.id])


def test_the_owasp_mapping_covers_no_more_than_the_documentation_says() -> None:
    text = (ROOT / "docs" / "owasp.md").read_text()
    nothing = re.findall(r"^\| (LLM\d\d) [^|]*\| nothing", text, re.M)
    uncovered = [control.id[:5] for control in shipped()["owasp-llm-2025"].controls if not control.checks]
    assert uncovered == nothing == ["LLM09"]


def test_the_gdpr_mapping_goes_article_by_article_and_says_which_it_can_not_show() -> None:
    controls = {control.id: control for control in shipped()["gdpr"].controls}
    for article in ("5(1)(a)", "5(1)(b)", "5(1)(c)", "5(1)(d)", "5(1)(e)", "5(1)(f)", "5(2)", "6", "9", "12–14", "15"):
        assert f"Art. {article}" in controls
    for article in ("16", "17", "18", "20", "21–22", "24", "25", "28", "30", "32", "33–34", "35", "37–39", "44–49"):
        assert f"Art. {article}" in controls
    for article in ("5(1)(a)", "6", "9", "35", "44–49"):
        assert not controls[f"Art. {article}"].checks, "nothing in a call shows this"


@pytest.mark.parametrize("name", ["owasp-llm-2025", "gdpr", "soc2", "hipaa", "eu-ai-act"])
def test_every_control_names_its_source_and_what_is_not_seen(name: str) -> None:
    for control in shipped()[name].controls:
        assert control.source.startswith("https://")
        assert control.misses.endswith(".")
        assert bool(control.sees) == bool(control.checks)


def test_categories_that_are_looked_for_are_those_that_detectors_have() -> None:
    rules = "\n".join(file.read_text() for file in (ROOT / "rules").rglob("*.yaml"))
    plugins = "\n".join(file.read_text() for file in (ROOT / "plugins").rglob("*.py") if "compliance" not in file.parts)
    known = set(re.findall(r"category: *([a-z_]+)", rules)) | set(re.findall(r'category="([a-z_]+)"', plugins))
    used = {
        category
        for framework in shipped().values()
        for control in framework.controls
        for check in control.checks
        for category in check.categories
    }
    assert used <= known | {"pii", "secret"}


def test_each_check_has_its_function() -> None:
    assert set(CHECKS) == set(CheckName)


def write(home: Path, document: object, name: str = "acme.yaml") -> None:
    (home / "frameworks").mkdir(exist_ok=True)
    (home / "frameworks" / name).write_text(yaml.safe_dump(document))


def test_a_home_may_bring_its_own(tmp_path: Path) -> None:
    assert of_home(tmp_path) == {}
    write(tmp_path, OWN)
    assert of_home(tmp_path) == {"acme": Framework.model_validate(OWN)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "Acme Rules"}, "id: String should match"),
        ({"extra": 1}, "extra: Extra inputs"),
        ({"controls": []}, "controls: Tuple should have at least 1"),
        ({"source": "javascript:alert(1)"}, "source: String should match"),
        ({"controls": [{**OWN["controls"][0], "checks": [{"check": "eval"}]}]}, "Input should be 'calls_recorded'"),
        ({"controls": [{**OWN["controls"][0], "checks": [{"check": "findings"}]}]}, "goes with owasp or categories"),
        ({"controls": [{**OWN["controls"][0], "checks": []}]}, "says what it `sees`"),
        ({"controls": OWN["controls"] * 2}, "two controls have the id 'A.1'"),
    ],
    ids=["id", "extra", "empty", "source", "unknown check", "check without values", "sees nothing", "twice"],
)
def test_a_mapping_that_is_wrong_is_named_with_the_place(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    write(tmp_path, {**OWN, **changes})
    with pytest.raises(ConfigError, match=re.escape("acme.yaml: ")) as caught:
        of_home(tmp_path)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["a: [", "\x00", "- 1", ""], ids=["cut", "null", "list", "empty"])
def test_a_file_that_is_no_mapping_is_an_error_and_no_crash(tmp_path: Path, text: str) -> None:
    (tmp_path / "frameworks").mkdir()
    (tmp_path / "frameworks" / "x.yaml").write_text(text)
    with pytest.raises(ConfigError):
        of_home(tmp_path)


def test_one_id_may_stand_in_one_file_alone(tmp_path: Path) -> None:
    write(tmp_path, OWN)
    write(tmp_path, OWN, "again.yaml")
    with pytest.raises(ConfigError, match="another file of this folder has the id 'acme'"):
        of_home(tmp_path)

"""The quality tables: how sets are parted, what is counted, which rules are marked, how the page is rewritten."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

_DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def docs() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(_DOCS))
    try:
        names = ("quality", "quality_pii", "quality_rules", "quality_sets")
        yield {name: __import__(name) for name in names}
    finally:
        sys.path.remove(str(_DOCS))


def _set(docs: dict[str, ModuleType], name: str, *verdicts: tuple[bool, str]) -> object:
    half = docs["quality_sets"].Half.TUNING
    return docs["quality_rules"].Measured(
        name=name, verdicts=tuple((half, is_attack, frozenset(rules.split())) for is_attack, rules in verdicts)
    )


@given(text=st.text(max_size=80))
def test_variants_of_a_text_are_in_one_half(docs: dict[str, ModuleType], text: str) -> None:
    half_of = docs["quality_sets"].half_of

    assert half_of(text) is half_of(f"  {text} !1?")


def test_halves_are_about_equal(docs: dict[str, ModuleType]) -> None:
    sets = docs["quality_sets"]
    letters = "abcdefghij"
    halves = Counter(sets.half_of(one + two + three) for one in letters for two in letters for three in letters)

    assert 400 < halves[sets.Half.TUNING] < 600


def test_counts_attacks_and_harmless_texts_of_one_half(docs: dict[str, ModuleType]) -> None:
    one = _set(docs, "a", (True, "x"), (True, "x y"), (True, ""), (False, "y"), (False, ""))
    half = docs["quality_sets"].Half
    counts = docs["quality_rules"].counts

    tally = counts(one, half.TUNING)
    assert (tally.attacks, tally.found, tally.benign, tally.wrong) == (3, 2, 2, 1)
    assert counts(one, half.TUNING, without={"x"}).found == 1
    assert counts(one, half.HELD_OUT).attacks == 0


@pytest.mark.parametrize(
    ("rule", "where", "mark"),
    [
        ("only-here", {"a": 10}, "suspect"),
        ("too-few-to-say", {"a": 9}, ""),
        ("mostly-here", {"a": 18, "b": 2}, "leans"),
        ("spread", {"a": 10, "b": 5}, ""),
        ("midwatch/prompt-injection/proof-of-compromise", {"a": 5, "b": 5}, "marker"),
    ],
)
def test_marks_rules_that_lean_on_a_source(
    docs: dict[str, ModuleType], rule: str, where: dict[str, int], mark: str
) -> None:
    assert docs["quality_rules"].mark(rule, Counter(where)) == mark


def test_recall_is_also_given_without_doubtful_rules(docs: dict[str, ModuleType]) -> None:
    first = _set(docs, "a", *[(True, "only-here")] * 10, *[(True, "both")] * 10, (False, ""))
    second = _set(docs, "b", *[(True, "both")] * 10)

    lines = list(docs["quality_rules"].table([first, second]))

    assert "| a | tuning | 21 (20/1) | 1.000 | 1.000 | 0.500 | 0.500 | 0.000 |" in lines
    assert "| b | tuning | 10 (10/0) | – | 1.000 | 1.000 | 1.000 | – |" in lines


def test_harmless_findings_say_nothing_about_a_rules_sources(docs: dict[str, ModuleType]) -> None:
    one = _set(docs, "a", (True, "x"), (False, "y"))

    assert docs["quality_rules"].sources([one]) == {"x": Counter(a=1)}


def test_a_table_is_put_between_its_marks(docs: dict[str, ModuleType]) -> None:
    page = "before\n<!-- sets -->\nold\n<!-- /sets -->\nafter\n"
    replaced = docs["quality"].replaced

    assert replaced(page, "sets", ["new"]) == "before\n<!-- sets -->\nnew\n<!-- /sets -->\nafter\n"
    with pytest.raises(ValueError, match="no marks"):
        replaced(page, "rules", ["new"])


def test_the_page_has_a_place_for_each_table(docs: dict[str, ModuleType]) -> None:
    page = docs["quality"].PAGE.read_text(encoding="utf-8")

    assert all(f"<!-- {name} -->" in page and f"<!-- /{name} -->" in page for name in ("sets", "rules", "pii"))


def test_without_sets_it_says_so_and_leaves_the_page(
    docs: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIDWATCH_DATA", str(tmp_path))
    before = docs["quality"].PAGE.read_bytes()

    docs["quality"].main()

    assert "MIDWATCH_DATA" in capsys.readouterr().out
    assert docs["quality"].PAGE.read_bytes() == before


def test_personal_data_counts_by_kind_and_overlap(docs: dict[str, ModuleType]) -> None:
    pii, half = docs["quality_pii"], docs["quality_sets"].Half
    tally: Counter[tuple[str, str]] = Counter()
    pii.count(tally, found=[(0, 5, "EMAIL"), (9, 12, "PHONE")], known=[(2, 8, "EMAIL"), (20, 25, "EMAIL")])

    assert pii.row("EMAIL", half.TUNING, tally, ["EMAIL"]) == "| EMAIL | tuning | 2 | 1.000 | 0.500 | 0.667 |"
    assert pii.row("IBAN", half.TUNING, tally, ["IBAN"]) == "| IBAN | tuning | 0 | – | – | – |"

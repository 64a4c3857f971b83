"""The page on anomalies: its settings, the places of its tables, and its example are as they are in the code."""

import re
from pathlib import Path

from benchmarks.pages import write_tables
from midwatch_anomaly.change import Change, Contributor, Explanation, Metric, Scope, Side, Stage
from midwatch_anomaly.explaining import details_of, title_of
from midwatch_anomaly.settings import Settings
from midwatch_core import Severity

PAGE = Path(__file__).parents[2] / "docs" / "anomaly.md"
NESTED = {"loops", "newness"}


def rows() -> dict[str, str]:
    """Each setting of the table and its default, as written."""
    found: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`anomaly\.[^|]+) \| ([^|]+) \|", PAGE.read_text(), re.MULTILINE):
        told = re.findall(r"`([^`]+)`", names)
        prefix = told[0].rpartition(".")[0]
        names_here = [name if name.startswith("anomaly.") else _full(name, prefix) for name in told]
        values = defaults.split(", ")
        found |= dict(zip(names_here, values if len(values) > 1 else values * len(names_here), strict=True))
    return found


def _full(name: str, prefix: str) -> str:
    return f"anomaly.{name}" if "." in name else f"{prefix}.{name}"


def settings() -> dict[str, str]:
    values = Settings().model_dump()
    flat = {f"anomaly.{name}": value for name, value in values.items() if name not in NESTED}
    flat |= {f"anomaly.{part}.{name}": value for part in NESTED for name, value in values[part].items()}
    return {name: str(value).lower() if isinstance(value, bool) else f"{value:g}" for name, value in flat.items()}


def test_the_table_has_every_setting_and_its_default() -> None:
    assert rows() == settings()


def test_the_page_has_a_place_for_each_table_of_the_simulation(tmp_path: Path) -> None:
    copy = tmp_path / "anomaly.md"
    copy.write_text(PAGE.read_text())
    write_tables(copy, {name: ["| new |"] for name in ("events", "quiet", "loops")})
    assert copy.read_text().count("| new |") == 3


def test_the_example_is_what_such_an_anomaly_says() -> None:
    shares = ((Scope.AGENT, "indexer", 0.91), (Scope.KEY, "key-7", 0.91), (Scope.MODEL, "gpt-5", 0.95))
    explanation = Explanation(
        tenant="acme",
        scope=Scope.TENANT,
        name="",
        metric=Metric.COST,
        side=Side.HIGH,
        value=2.3,
        usual=0.154,
        sigma=0.121,
        deviations=3.9,
        since_s=1_773_836_280,
        bucket_s=60,
        hour=12,
        also=(Metric.INPUT,),
        contributors=tuple(Contributor(scope=scope, name=name, share=share) for scope, name, share in shares),
    )
    change = Change(stage=Stage.BEGAN, at_s=1_773_836_400, severity=Severity.MEDIUM, explanation=explanation)
    lines = [title_of(change.explanation), *(f"  {key}: {text}" for key, text in details_of(explanation).items())]
    assert "\n".join(f"    {line}" for line in lines) in PAGE.read_text()

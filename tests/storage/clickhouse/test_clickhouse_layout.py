"""The DDL of a single node and of a cluster, made from one description. No cluster is there to run the second."""

import re

import pytest

from midwatch_clickhouse.layout import Layout
from midwatch_clickhouse.schema import LOG, REVISIONS

ONE = Layout(database="d")
CLUSTER = Layout(database="d", cluster="c'1", replicated=True)
# What a statement puts in place of what was there before.
REPLACED = re.compile(r"^ALTER TABLE .* (MATERIALIZE COLUMN|MATERIALIZE INDEX|MODIFY ORDER BY) ")


def statements(layout: Layout) -> list[str]:
    log = layout.create(LOG)
    return [*log, *(step.statement for revision in REVISIONS for step in revision.up(layout))]


def downs(layout: Layout) -> list[str]:
    return [step.statement for revision in reversed(REVISIONS) for step in revision.down(layout)]


def test_a_single_node_has_plain_tables() -> None:
    text = "\n".join(statements(ONE))
    for word in ("ON CLUSTER", "Replicated", "Distributed", "_local"):
        assert word not in text
    assert "ENGINE = MergeTree() PARTITION BY toYYYYMM(started_at) ORDER BY (tenant, started_at, id)" in text
    assert "ENGINE = SummingMergeTree((" in text
    assert "CREATE MATERIALIZED VIEW IF NOT EXISTS hours_view TO hours AS SELECT" in text


def test_a_cluster_has_replicated_shares_and_distributed_tables_before_them() -> None:
    made = statements(CLUSTER)
    for name in ("exchanges", "texts", "deletions", "hours", "traces_schema"):
        (own,) = [one for one in made if one.startswith(f"CREATE TABLE IF NOT EXISTS {name}_local ON CLUSTER `c'1` (")]
        assert "MergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}'" in own
        assert "ENGINE = Replicated" in own
        (before,) = [one for one in made if one.startswith(f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER")]
        assert before.endswith(")")
        assert f"AS {name}_local ENGINE = Distributed('c\\'1', 'd', '{name}_local', cityHash64(" in before
    view, later = [one for one in made if "MATERIALIZED VIEW" in one]
    assert "hours_by_basis ON CLUSTER `c'1` TO hours_local AS SELECT" in later
    assert "hours_view ON CLUSTER `c'1` TO hours_local AS SELECT" in view
    assert "FROM exchanges_local AS e" in view


def test_columns_are_added_to_the_shares_first_and_dropped_from_them_last() -> None:
    for made, word, first, last in (
        (statements(CLUSTER), "ADD COLUMN", "_local", ""),
        (downs(CLUSTER), "DROP COLUMN", "", "_local"),
    ):
        for table, revisions in (("exchanges", 2), ("hours", 1)):
            changed = [one.split()[2] for one in made if one.startswith(f"ALTER TABLE {table}") and word in one]
            assert changed == [f"{table}{first}", f"{table}{last}"] * revisions


def test_what_is_of_one_tenant_is_on_one_shard() -> None:
    made = [one for one in statements(CLUSTER) if "Distributed" in one and "traces_schema" not in one]
    assert len(made) == 4
    assert all(one.endswith("cityHash64(tenant))") for one in made)


def test_a_cluster_may_be_without_replicas() -> None:
    text = "\n".join(statements(Layout(database="d", cluster="c")))
    assert "Replicated" not in text
    assert "Distributed" in text


def test_only_tables_that_count_once_remember_tokens() -> None:
    for layout, word in ((ONE, "non_replicated_deduplication_window"), (CLUSTER, "replicated_deduplication_window")):
        windows = {
            one.split()[5].removesuffix("_local"): f"{word} = 10000" in one
            for one in statements(layout)
            if one.startswith("CREATE TABLE") and " MergeTree" in one.replace("Replicated", " ").replace("ing", " ")
        }
        assert {name for name, remembers in windows.items() if remembers} == {"exchanges", "hours"}


def test_days_to_keep_become_ttls() -> None:
    assert "TTL" not in "\n".join(statements(ONE))
    made = [one for one in statements(Layout(database="d", ttl_days=30)) if " TTL " in one]
    assert {one.split()[5] for one in made} == {"exchanges", "texts", "hours"}
    (texts,) = [one for one in made if one.split()[5] == "texts"]
    assert "toIntervalDay(31)" in texts  # a text outlives the exchanges that came with it


@pytest.mark.parametrize("layout", [ONE, CLUSTER])
def test_every_step_can_be_repeated(layout: Layout) -> None:
    for one in statements(layout):
        assert (
            "IF NOT EXISTS" in one or "IF EXISTS" in one or one.startswith("INSERT INTO hours") or REPLACED.search(one)
        )
    for one in downs(layout):
        assert "EXISTS" in one or REPLACED.search(one)
        assert one.endswith(" SYNC") or not one.startswith("DROP")
    assert all((" ON CLUSTER " in one) == (layout.cluster is not None) for one in downs(layout))

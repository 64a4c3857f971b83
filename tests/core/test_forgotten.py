"""Who was forgotten: what plugins are told of the conditions, and when a tenant is meant as a whole."""

from datetime import UTC, datetime

import pytest

from midwatch_core.forgotten import Forgotten
from midwatch_core.ports import ExchangeFilter

AT = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "whole"),
    [
        (ExchangeFilter(tenant="acme"), "acme"),
        (ExchangeFilter(tenant="acme", until=AT), "acme"),
        (ExchangeFilter(tenant="acme", since=AT), None),
        (ExchangeFilter(tenant="acme", user="ada"), None),
        (ExchangeFilter(tenant="acme", app="editor"), None),
        (ExchangeFilter(tenant="acme", session="s"), None),
        (ExchangeFilter(tenant="acme", text="heliotrope"), None),
        (ExchangeFilter(tenant="acme", status=0), None),
        (ExchangeFilter(user="ada"), None),
    ],
    ids=["tenant", "until", "since", "user", "app", "session", "text", "status", "nobody's"],
)
def test_a_tenant_is_meant_as_a_whole_where_nothing_narrows_it(wanted: ExchangeFilter, whole: str | None) -> None:
    assert Forgotten.of(wanted).whole_tenant == whole


def test_a_text_that_was_searched_for_is_not_told() -> None:
    who = Forgotten.of(ExchangeFilter(tenant="acme", user="ada", text="heliotrope", until=AT))
    assert who == Forgotten(tenant="acme", user="ada", until=AT, narrowed=True)
    assert "heliotrope" not in repr(who)

"""Hosts that a request names."""

from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.urlwatch import hosts_in, inside_foreign_url


def test_hosts_are_those_of_urls() -> None:
    texts = ["see https://Docs.Acme.test/a and http://u:p@b.test:80?x", "plain c.test", "wss://d.test."]
    assert hosts_in(texts) == {"docs.acme.test", "b.test", "d.test"}


@given(st.text(alphabet="htps:/\\\"'<> .?a&#58;()", max_size=60), st.booleans())
def test_any_text_can_be_asked_about_and_no_host_allows_more_than_some(text: str, as_json: bool) -> None:
    none_named = inside_foreign_url(text, (), json=as_json)
    assert none_named or not inside_foreign_url(text, {"a.a"}, json=as_json)

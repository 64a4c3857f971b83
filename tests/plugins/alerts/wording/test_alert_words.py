"""Wording: what a message says, in plain words, of whatever an alert brings."""

import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_alerts.message import MessageKind
from midwatch_alerts.wording.advice import advice
from midwatch_alerts.wording.masking import mask
from midwatch_alerts.wording.plain import cut, disarmed, lines, link, one_line, unlinked
from midwatch_alerts.wording.templates import TemplateFault, check_template
from midwatch_alerts.wording.words import shortened, text_of
from midwatch_alerts.wording.writing import Writer, safe
from midwatch_core import Severity
from tests.plugins.alerts.channels.told_messages import AT, BEGAN, COST, SUBJECT, hostile, huge, of_kind

CATEGORIES = "anomaly breaker budget certificate finding incidents journal pack plugin store".split()  # noqa: SIM905


def test_a_message_says_what_since_when_of_whom_and_what_to_do() -> None:
    words = Writer().words(BEGAN)
    assert words.subject == SUBJECT
    assert text_of(words).splitlines() == [
        "This began.",
        "",
        f"HIGH: {COST.title}",
        "  Category: anomaly",
        "  Tenant: acme",
        "  Since: 2026-11-26 10:25:00 UTC",
        "  Count: 12, the last at 2026-11-26 10:30:00 UTC",
        "  value: 41.20 USD",
        "  baseline: 3.10 USD",
        "  sigma: 4.2",
        "  since: 10:25 UTC",
        advice("anomaly"),
        f"See it: {COST.page}",
        f"Acknowledge it: {COST.acknowledge}",
    ]


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (MessageKind.WORSE, "[Midwatch] Worse: HIGH: "),
        (MessageKind.ACKNOWLEDGED, "[Midwatch] Acknowledged: HIGH: "),
        (MessageKind.RESOLVED, "[Midwatch] Resolved: "),
        (MessageKind.ESCALATION, "[Midwatch] Nobody sees to it: HIGH: "),
        (MessageKind.DIGEST, "[Midwatch] HIGH: "),
        (MessageKind.TEST, "[Midwatch] Test: "),
    ],
)
def test_each_kind_says_in_its_subject_what_it_is(kind: MessageKind, subject: str) -> None:
    assert Writer().words(of_kind(kind)).subject == f"{subject}{COST.title}"


def test_what_is_over_says_how_long_it_took_and_asks_for_nothing() -> None:
    text = text_of(Writer().words(of_kind(MessageKind.RESOLVED)))
    assert "  Over: 2026-11-26 11:00:00 UTC, after 35 min" in text.splitlines()
    assert advice("anomaly") not in text
    assert "Acknowledge it" not in text


def test_what_is_acknowledged_says_by_whom_and_has_no_link_to_do_it_again() -> None:
    message = of_kind(MessageKind.ACKNOWLEDGED)
    told = replace(message.incidents[0], acknowledge=COST.acknowledge)
    text = text_of(Writer().words(replace(message, incidents=(told,))))
    assert "  Acknowledged by: ops-key" in text
    assert "Acknowledge it" not in text


def test_a_message_that_may_come_twice_says_so() -> None:
    assert "It may have been sent before" in Writer().words(replace(BEGAN, again=True)).lead


def test_an_incident_of_the_installation_names_no_tenant() -> None:
    words = Writer().words(replace(BEGAN, incidents=(replace(COST, tenant=None),)))
    assert ("Tenant", "none, the installation itself") in words.items[0].facts


def test_many_incidents_are_told_in_short_and_the_rest_is_counted() -> None:
    words = Writer().words(replace(BEGAN, incidents=(COST,) * 14, more=986))
    assert (len(words.items), words.rest) == (10, "There are 990 more, in the console.")


def test_how_long_it_took_is_told_in_a_unit_that_fits() -> None:
    told = []
    for span in (timedelta(seconds=90), timedelta(minutes=119), timedelta(hours=3), timedelta(days=9)):
        over = replace(COST, began_at=AT, resolved_at=AT + span)
        facts = Writer().words(replace(BEGAN, kind=MessageKind.RESOLVED, incidents=(over,))).items[0].facts
        told.append(dict(facts)["Over"].rpartition("after ")[2])
    assert told == ["90 s", "119 min", "3 h", "9 d"]


def test_every_category_of_ours_has_advice_of_its_own() -> None:
    assert len({advice(category) for category in [*CATEGORIES, "of another plugin"]}) == len(CATEGORIES) + 1


def test_hostile_text_comes_out_in_one_line_without_characters_that_hide() -> None:
    for text in (hostile().title, Writer().words(hostile()).subject, text_of(Writer().words(hostile()))):
        text.encode("utf-8", "surrogatepass")
    words = Writer().words(hostile())
    shown = [words.subject, *(part for fact in words.items[0].facts for part in fact), words.items[0].title]
    for text in shown:
        assert "\n" not in text
        assert not {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_a_megabyte_is_cut() -> None:
    words = Writer().words(huge())
    assert len(words.subject) < 400
    assert len(text_of(words)) < 100_000


@given(st.text(max_size=300), st.integers(1, 60))
def test_one_line_is_printable_and_never_longer_than_asked(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert line.isprintable()
    assert line == line.strip()


@given(st.text(max_size=300), st.integers(1, 60))
def test_lines_are_never_longer_than_asked(text: str, most: int) -> None:
    assert len(lines(text, most)) <= most


def test_what_is_cut_says_so() -> None:
    assert [cut("abcdef", most) for most in (6, 4, 1)] == ["abcdef", "abc…", "…"]
    assert lines("one\n\ntwo\r\nthree", 50) == "one\n\ntwo\nthree"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://a b",
        'https://a/"onclick=x',
        "https://a/<b>",
        "https://[",
        "https://ä.example",
        "//host",
        "https://a/" + "x" * 1000,
        "",
    ],
    ids=["script", "space", "quote", "angle", "bracket", "letters", "relative", "long", "empty"],
)
def test_a_link_that_is_none_is_left_out(url: str) -> None:
    assert link(url) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://evil.example/a.b?c=1 now", "see https[://]evil[.]example/a[.]b?c=1 now"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("HTTP://evil.example", "HTTP[://]evil[.]example"),
        ("(javascript://x)", "(javascript[://]x)"),
        ("gpt-4.1 at api.openai.com took 3.5 s", "gpt-4.1 at api.openai.com took 3.5 s"),
        ("://" * 1000, "://" * 1000),
    ],
    ids=["url", "www", "capitals", "scheme", "plain", "signs"],
)
def test_no_address_in_a_text_of_an_alert_becomes_a_link(text: str, shown: str) -> None:
    assert unlinked(text) == shown


def test_what_alerts_say_is_tamed_and_our_own_links_are_not() -> None:
    message = hostile()
    words = Writer("{{ subject }}|{% for one in incidents %}{{ one.title }} {{ one.page }}{% endfor %}", tame=disarmed)
    said = words.words(message)
    (item,) = said.items
    assert item.page == COST.page
    assert said.own is not None
    assert COST.page in said.own
    for text in (said.subject, item.title, *(piece for pair in item.facts for piece in pair), said.own):
        left = text.replace(COST.page, "")
        assert not set("@<>`") & set(left)
        assert "https://" not in left


def test_a_shortened_message_keeps_its_first_incident_and_counts_the_others() -> None:
    words = Writer().words(replace(BEGAN, incidents=(COST,) * 8, more=2))
    short = shortened(words, 600)
    assert (short.items[0].title, short.more) == (words.items[0].title, 10 - len(short.items))
    assert len(text_of(short)) <= 700
    assert [item.facts for item in shortened(words, 0).items] == [[]]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("key sk-proj-abcdefghijklmnop1234567890", "abcdefghijklmnop"),
        ("xoxb-1234567890-abcdefghij", "1234567890"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghij"),
        ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
        ("token=hunter2hunter2", "hunter2"),
        ("Authorization: Bearer abc.def.ghi.jkl.mno.pqr", "abc.def"),
        ("postgres://me:hunter2@host/db", "hunter2"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijk", "eyJzdWIi"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEabcdef\n-----END RSA PRIVATE KEY-----", "MIIEabcdef"),
        ("https://hooks.slack.com/services/T0/B0/abcdef", "T0/B0"),
        ("mw_k3f9x2ab_abcdefghijklmnopqrstuvwxyz012345", "k3f9x2ab_abc"),
    ],
    ids=lambda value: value[:6],
)
def test_what_has_a_secrets_shape_is_masked_whoever_put_it_there(text: str, hidden: str) -> None:
    told = replace(COST, title=text, details={"seen": text})
    words = Writer().words(replace(BEGAN, title=text, incidents=(told,)))
    assert hidden not in words.subject + text_of(words)
    assert "***" in mask(text)


def test_a_secret_at_the_edge_of_what_is_shown_is_not_half_shown() -> None:
    assert "ghp_" not in safe("x" * 290 + " ghp_abcdefghijklmnopqrstuvwxyz0123456789", 300)


def test_a_detail_whose_name_says_secret_is_masked() -> None:
    words = Writer().words(replace(BEGAN, incidents=(replace(COST, details={"api_key": "abcdefgh"}),)))
    assert dict(words.items[0].facts)["api_key"] == "***"


@pytest.mark.parametrize(
    "text", ["tokens in: 12345678", "basic authentication", "4.2 sigma of output_tokens", "https://host:8080/path"]
)
def test_plain_words_are_not_masked(text: str) -> None:
    assert mask(text) == text


def test_a_template_takes_the_place_of_the_usual_text() -> None:
    template = (
        "{% for incident in incidents %}{{ incident.facts.Tenant }}: {{ incident.title }}\n{% endfor %}{{ kind }}"
    )
    words = Writer(template).words(BEGAN)
    assert (words.subject, words.own) == (SUBJECT, f"acme: HIGH: {COST.title}\nbegan")
    assert text_of(words) == words.own


def test_a_template_that_fails_on_one_message_gives_way(caplog: pytest.LogCaptureFixture) -> None:
    template = "{% if more > 5 %}{{ incidents[99].title }}{% endif %}x"
    check_template(template)
    words = Writer(template).words(replace(BEGAN, more=9))
    assert (words.own, words.lead) == (None, "This began.")
    assert "the usual wording was sent" in caplog.text


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing }}",
        "{{ 1/0 }}",
        "{% if %}",
        "{{ incidents.append(1) }}",
        "{{ subject.__class__ }}",
        "{{ lead + 1 }}",
    ],
)
def test_a_template_that_can_not_be_used_is_found_before(template: str) -> None:
    with pytest.raises(TemplateFault):
        check_template(template)


def test_severities_are_told_in_words_of_their_own() -> None:
    subjects = [Writer().words(replace(BEGAN, severity=severity)).subject for severity in Severity]
    assert [subject.split()[1] for subject in subjects] == ["INFO:", "LOW:", "MEDIUM:", "HIGH:", "CRITICAL:"]

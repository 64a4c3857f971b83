"""The plugin in use: code, JSON, tables, disguises, configuration, hostile texts, and spans that always fit."""

import base64
import re
from itertools import pairwise

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_core import ConfigError, Part, Text
from midwatch_pii import Pii
from midwatch_pii.families import ALL
from midwatch_pii.families.crypto import CRYPTO
from midwatch_pii.families.health import HEALTH
from midwatch_pii.families.national_ids import NATIONAL_IDS
from midwatch_pii.families.network import NETWORK
from midwatch_pii.families.payment import PAYMENT
from midwatch_pii.recogniser import Recogniser
from midwatch_pii.scanner import around as around_sign

PLUGIN = Pii()


def found(text: str, plugin: Pii = PLUGIN) -> set[tuple[str, str]]:
    return {(one.kind, text[one.start : one.end]) for one in plugin.inspect_text(Text(text), Part.USER)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail%20jane.roe%40acme-corp.com%20now", {("EMAIL", "jane.roe%40acme-corp.com")}),
        ("pay with &#52;111 1111 1111 1111 today", {("CARD", "&#52;111 1111 1111 1111")}),
        (b"The card is 4111 1111 1111 1111 now".hex(), {("CARD", b"4111 1111 1111 1111".hex())}),
        # What is readable anyway is found once, and what is only turned round or disguised is nobody's.
        ("jane.roe@acme-corp.com, more%20text%20here", {("EMAIL", "jane.roe@acme-corp.com")}),
        ("vtaber cerivbhf vafgehpgvbaf, jane.roe at 3410-555-202", set()),
    ],
)
def test_encoded_values_are_found(text: str, expected: set[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_a_value_in_base64_is_found_where_its_code_stands() -> None:
    code = base64.b64encode(b"Please write to jane.roe@acme-corp.com today").decode()
    ((kind, coded),) = found(f"see {code} ok")
    assert kind == "EMAIL"
    assert b"jane.roe@acme-corp.com" in base64.b64decode(code[code.index(coded) // 4 * 4 :][: len(coded)])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["jane.roe@acme-corp.com", "@", " ", "x" * 200, "jo@b.io", "é" * 90, ".", "@@a.bc"])))
def test_addresses_around_signs_are_those_of_the_whole_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    mail = next(one for one in ALL if one.rule == "email")
    whole = [one.group() for one in re2.compile(mail.pattern).finditer(text) if mail.accept(one.group())]
    around = [
        one.group()
        for first, last in around_sign(text, "@")
        for one in re2.compile(mail.pattern).finditer(text[first:last])
        if mail.accept(one.group())
    ]
    assert around == whole


def test_in_json() -> None:
    text = (
        '{"user":{"email":"jane@corp.io","phone_number":"+442079460958","ssn":"308630237",'
        '"cardNumber":"4111111111111111","clientIp":"86.231.85.193"},"id":550123456789,"ts":1700000000000}'
    )
    assert found(text) == {
        ("EMAIL", "jane@corp.io"),
        ("PHONE", "+442079460958"),
        ("SSN", "308630237"),
        ("CARD", "4111111111111111"),
        ("IP", "86.231.85.193"),
    }


def test_in_code() -> None:
    text = "IBAN = \"DE89370400440532013000\"  # nhs_number=943-476-5919\nsend(to='jane@corp.io', retries=3)"
    assert found(text) == {
        ("IBAN", "DE89370400440532013000"),
        ("HEALTH_ID", "943-476-5919"),
        ("EMAIL", "jane@corp.io"),
    }


def test_in_tables() -> None:
    text = "| name | card | mail |\n|---|---|---|\n| Jo | 4111 1111 1111 1111 | jo@corp.io |\n;308-63-0237;jo@corp.io\n"
    assert found(text) == {("CARD", "4111 1111 1111 1111"), ("EMAIL", "jo@corp.io"), ("SSN", "308-63-0237")}


def test_disguised_values_are_found_where_they_stand() -> None:
    text = "card ４１１１１１１１１１１１１１１１ and jane@\u200bcorp.io"
    spans = {(one.kind, one.start, one.end) for one in PLUGIN.inspect_text(Text(text), Part.USER)}
    assert spans == {("CARD", 5, 21), ("EMAIL", 26, len(text))}


def test_words_make_it_surer() -> None:
    (alone,) = PLUGIN.inspect_text(Text("4111111111111111"), Part.USER)
    (near,) = PLUGIN.inspect_text(Text("credit card 4111111111111111"), Part.USER)
    assert near.confidence > alone.confidence
    assert (near.rule, near.category, near.owasp) == ("pii/card", "pii", ("LLM02:2025",))


def test_configuration() -> None:
    some = Pii(Pii.Config(kinds=("EMAIL",), allow=(r".*@corp\.io",)))
    assert found("jane@corp.io jane@else.io 4111111111111111", some) == {("EMAIL", "jane@else.io")}
    sure = Pii(Pii.Config(least_confidence=0.9))
    assert found("4111111111111111, credit card 5555555555554444", sure) == {("CARD", "5555555555554444")}


def test_local_numbers_of_regions() -> None:
    text = "(030) 901820, 01 42 68 53 00, 030 901820"
    assert found(text) == set()
    assert found(text, Pii(Pii.Config(regions=("FR",)))) == {("PHONE", "01 42 68 53 00")}
    assert ("PHONE", "030 901820") in found(text, Pii(Pii.Config(regions=("DE",))))


def test_configuration_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match=r"pii\.kinds: SHOE unknown; known are ADDRESS"):
        Pii(Pii.Config(kinds=("SHOE",)))
    with pytest.raises(ConfigError, match=r"pii\.regions: XX unknown"):
        Pii(Pii.Config(regions=("XX",)))
    with pytest.raises(ConfigError, match=r"pii\.allow: '\(' is no RE2 pattern"):
        Pii(Pii.Config(allow=("(",)))


def test_rules_have_ids_of_their_own() -> None:
    assert len({one.rule for one in ALL}) == len(ALL)
    assert all(label == label.lower() for one in ALL for label in one.labels)
    assert all(one.alone or one.labels for one in ALL)


def test_national_ids_of_many_countries() -> None:
    countries = {one.rule[:2] for one in ALL if one.kind in ("NATIONAL_ID", "TAX_ID", "SSN")}
    assert len(countries) >= 40


@pytest.mark.parametrize(
    "unit",
    [
        "ssn ",
        "+1 202 555 0123 ",
        "a@",
        "4",
        "1:",
        "12-",
        "ssn 123456789 ",
        "1.2.3.4.",
        "GB82 ",
        "\u0301",
        "12 Aa ",
        "(",
        "x1",
    ],
)
def test_hostile_texts_are_read_to_their_end(unit: str) -> None:
    text = "7 " + unit * (50_000 // len(unit)) + " jane@corp.io"
    assert found(text) >= {("EMAIL", "jane@corp.io")}


@pytest.mark.parametrize("rule", [*NATIONAL_IDS, *HEALTH, *PAYMENT, *CRYPTO, *NETWORK], ids=lambda one: one.rule)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_checks_take_all_that_their_patterns_propose(rule: Recogniser, data: st.DataObject) -> None:
    candidate = data.draw(st.from_regex(re.compile(rule.pattern.replace(r"\p{L}", "[a-z]"), re.ASCII), fullmatch=True))
    assert 0 <= rule.accept(candidate) <= len(candidate)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from([one for rule in ALL for one in rule.labels]),
            st.from_regex(r"[0-9 +().\-/]{1,20}", fullmatch=True),
            st.sampled_from(["4111111111111111", "jane@corp.io", "::1", "0x", "bc1q", "GB82WEST12345698765432"]),
        ),
        max_size=12,
    )
)
def test_any_text_gives_spans_that_fit_and_do_not_overlap(pieces: list[str]) -> None:
    text = " ".join(pieces)
    spans = [(one.start, one.end) for one in PLUGIN.inspect_text(Text(text), Part.TOOL_RESULT)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))

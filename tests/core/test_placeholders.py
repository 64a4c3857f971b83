"""Placeholders: stable, told apart, keyed, and never one that the client wrote."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.placeholders import Placeholders

KEY = b"k" * 32


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_name_is_stable_and_says_its_kind(kind: str, value: str) -> None:
    name = Placeholders(KEY).name(kind, value)
    assert name == Placeholders(KEY, ["other text"]).name(kind, value)
    assert re.fullmatch(r"<[A-Z][A-Z0-9_]*_[a-z2-7]{4}>", name)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("EMAIL", "EMAIL"), ("openai key", "OPENAI_KEY"), ("", "VALUE"), ("2fa", "VALUE_2FA"), ("ß", "SS"), ("<x>", "X")],
)
def test_any_kind_can_be_shown(kind: str, shown: str) -> None:
    assert Placeholders(KEY).name(kind, "v").startswith(f"<{shown}_")


def test_key_kind_and_value_all_count() -> None:
    names = {
        Placeholders(KEY).name("EMAIL", "a"),
        Placeholders(b"other").name("EMAIL", "a"),
        Placeholders(KEY).name("EMAIL", "b"),
        Placeholders(KEY).name("PHONE", "a").replace("PHONE", "EMAIL"),
    }
    assert len(names) == 4


def test_values_of_one_name_get_longer_ones_and_the_first_keeps_its() -> None:
    many = Placeholders(KEY)
    names = [many.name("ID", str(number)) for number in range(20_000)]
    assert len(set(names)) == 20_000
    assert max(map(len, names)) > len("<ID_aaaa>")
    assert names == [many.name("ID", str(number)) for number in range(20_000)]
    assert all(many.values[name] == str(number) for number, name in enumerate(names))


@pytest.mark.parametrize("written", ["{}", '{{"a":"{}"}}', "x{}y"])
@pytest.mark.parametrize("escape", [False, True])
def test_what_the_client_wrote_is_never_given_out(written: str, escape: bool) -> None:
    usual = Placeholders(KEY).name("EMAIL", "a@b.test")
    shown = usual.replace("<", "\\u003c").replace(">", "\\u003E") if escape else usual
    taken = Placeholders(KEY, [written.format(shown)])
    name = taken.name("EMAIL", "a@b.test")
    assert name != usual
    assert usual not in taken.values
    assert name.startswith(usual[:-1])

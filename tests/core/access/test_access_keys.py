"""Keys: their shape, their digest, and a check whose time tells nothing."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.access import keys
from midwatch_core.access.keys import ID_LENGTH, id_of, is_key_of, key_digest, new_key


def test_a_key_has_its_id_before_it_and_no_colon() -> None:
    made = new_key()
    assert made.text.startswith(f"{made.id}_")
    assert id_of(made.text) == made.id
    assert len(made.id) == ID_LENGTH
    assert ":" not in made.text
    assert len(made.text) == ID_LENGTH + 1 + 43


@given(st.binary(min_size=37, max_size=37))
def test_whatever_the_random_bytes_are_it_is_a_key(data: bytes) -> None:
    left = iter((data[:5], data[5:]))
    made = new_key(lambda size: next(left))
    assert id_of(made.text) == made.id
    assert is_key_of(made.text, key_digest(made.text))


def test_no_two_are_the_same() -> None:
    assert len({new_key().text for _ in range(1000)}) == 1000


def test_a_key_is_not_in_its_repr() -> None:
    made = new_key()
    assert made.text not in repr(made)


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "mw_",
        "mw_k3f9x2ab",
        "mw_k3f7x2ab_" + "a" * 31,
        "mw_k3f7x2ab_" + "a" * 129,
        "mw_K3F7X2AB_" + "a" * 40,
        "mw_k3f1x2ab_" + "a" * 40,
        "mw_k3f7x2ab_" + "a" * 40 + "\n",
        " mw_k3f7x2ab_" + "a" * 40,
        "mw_k3f7x2ab_" + "ä" * 40,
        "mw_k3f7x2ab_" + "a" * 40 + ":",
        "sk-proj-" + "a" * 40,
    ],
)
def test_what_has_not_the_shape_of_a_key_has_no_id(shown: str) -> None:
    assert id_of(shown) is None


@given(st.text())
def test_only_the_whole_key_has_its_digest(other: str) -> None:
    made = new_key()
    digest = key_digest(made.text)
    assert is_key_of(made.text, digest)
    if other:
        assert not is_key_of(made.text + "a", digest)
        assert not is_key_of(made.text[:-1], digest)


def test_digests_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    compare_digest = hmac.compare_digest

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare_digest(one, other)

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)  # type: ignore[attr-defined]
    made = new_key()
    assert is_key_of(made.text, key_digest(made.text))
    assert compared == [(key_digest(made.text), key_digest(made.text))]

"""Long texts as they are sent: their head, their tail and what is between, with places that lead back."""

from hypothesis import given
from hypothesis import strategies as st

from midwatch_ml.asking.condensed import Condensed


def test_a_short_text_is_sent_whole() -> None:
    sent = Condensed.of("abc", windows=8, tokens=256)
    assert (sent.text, sent.whole, sent.span(1, 3)) == ("abc", True, (1, 3))


def test_head_and_tail_of_a_long_text_are_sent() -> None:
    text = "".join(chr(0x4E00 + number) for number in range(20_000))
    sent = Condensed.of(text, windows=4, tokens=16)
    assert not sent.whole
    assert len(sent.text) == 4 * 16 * 8
    assert sent.text[:128] == text[:128]
    assert sent.text[-128:] == text[-128:]


def test_a_window_over_a_seam_is_its_longer_part() -> None:
    text = "a" * 10_000 + "b" * 10_000
    sent = Condensed.of(text, windows=2, tokens=16)
    assert sent.span(100, 130) == (100, 128)
    assert sent.span(127, 200) == (20_000 - 128, 20_000 - 128 + 72)


@given(
    st.integers(0, 5_000),
    st.integers(1, 8),
    st.integers(1, 20),
    st.data(),
)
def test_every_stretch_leads_back_to_its_characters(
    length: int, windows: int, tokens: int, data: st.DataObject
) -> None:
    text = "".join(chr(0x4E00 + number) for number in range(length))
    sent = Condensed.of(text, windows=windows, tokens=tokens)
    assert len(sent.text) <= max(windows * tokens * 8, tokens * 8)
    if not sent.text:
        return
    start = data.draw(st.integers(0, len(sent.text) - 1))
    end = data.draw(st.integers(start + 1, len(sent.text)))
    first, last = sent.span(start, end)
    assert 0 <= first < last <= length
    assert text[first:last] in sent.text[start:end]

"""What hides is shown; what people write stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_web.serving.visible import marked_up, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\r\non two lines", "plain\ttext\r\non two lines"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"),
        ("pass\u200bword", "pass⟨U+200B⟩word"),
        ("nul\x00 esc\x1b del\x7f lone\r", "nul⟨U+0000⟩ esc⟨U+001B⟩ del⟨U+007F⟩ lone⟨U+000D⟩"),
        ("\U000e0049\U000e0047", "⟨U+E0049⟩⟨U+E0047⟩"),
        ("half \ud800", "half ⟨U+D800⟩"),
        ("👩\u200d💻 ❤️ مرحبا שלום नमस्ते", "👩\u200d💻 ❤️ مرحبا שלום नमस्ते"),
        ("x\u200dy", "x⟨U+200D⟩y"),
    ],
)
def test_hidden_characters_are_named(text: str, expected: str) -> None:
    assert shown(text) == expected


@given(st.text())
def test_marked_up_text_can_always_be_sent_and_opens_no_element_but_ours(text: str) -> None:
    html = str(marked_up(text))
    html.encode()
    assert html.count("<") == 2 * html.count('<span class="hidden-char"')

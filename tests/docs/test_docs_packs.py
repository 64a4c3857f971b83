"""The page on packs: its commands do what it says of them."""

from pathlib import Path

from tests.docs.walking import DOCS, walk


def test_the_pages_commands_do_what_it_says(tmp_path: Path) -> None:
    walk(DOCS / "packs.md", tmp_path)

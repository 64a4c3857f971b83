"""Lines of CSV: quoted as the format wants, and never a formula."""

import csv
import io

import pytest

from midwatch_web.serving.spreadsheet import csv_line


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d"], ids=ascii)
def test_a_cell_that_begins_like_a_formula_is_a_text(first: str) -> None:
    attack = f"{first}HYPERLINK(\"https://evil.example\",'x')"
    (row,) = csv.reader(io.StringIO(csv_line([attack]), newline=""))
    assert row == [f"'{attack}"]


def test_cells_come_back_as_they_were() -> None:
    cells = ["plain", 'a "quoted", cell', "two\r\nlines", "", "a=b", "☀"]
    line = csv_line([*cells, None, 12, -0.5, True])
    assert line.endswith("\r\n")
    (row,) = csv.reader(io.StringIO(line, newline=""))
    assert row == [*cells, "", "12", "-0.5", "True"]

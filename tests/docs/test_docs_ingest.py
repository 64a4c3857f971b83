"""What the page on ingest shows is taken as it stands there."""

import json
import re
from pathlib import Path

import pytest

from midwatch_web.ingest.body import JSON
from midwatch_web.ingest.reading import read_calls
from tests.core.telling.sending import NOW, sender, teller

_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "ingest.md").read_text()
_SAMPLES = re.findall(r"```json\n(.*?)```", _PAGE, re.DOTALL)


@pytest.mark.parametrize("sample", _SAMPLES, ids=range(len(_SAMPLES)))
def test_a_call_as_the_page_shows_it_is_taken(sample: str) -> None:
    (exchange,) = teller().exchanges(read_calls(sample.encode(), JSON), sender(), NOW)
    assert exchange.model == "gpt-5-mini"
    assert exchange.response is not None
    assert exchange.response.usage is not None


def test_both_kinds_are_shown() -> None:
    assert [sorted({"url", "provider"} & set(json.loads(sample))) for sample in _SAMPLES] == [["url"], ["provider"]]

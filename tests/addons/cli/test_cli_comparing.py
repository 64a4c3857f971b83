"""`traces diff`: for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.usage import Usage
from midwatch_core.testing.factories import make_exchange
from tests.addons.cli.conftest import put

_BEFORE = (("system", "You are terse.\nAnswer in English."), ("user", "Where is Lisbon?"))
_AFTER = (("system", "You are terse.\nToday is Monday.\x1b[31m"), *_BEFORE[1:], ("assistant", "Portugal."))


def with_cache(exchange: Exchange, read: int) -> Exchange:
    assert exchange.response is not None
    usage = Usage(input_tokens=1000, output_tokens=5, cache_read_tokens=read)
    return replace(exchange, response=replace(exchange.response, usage=usage))


@pytest.fixture
def pair(home: Home) -> tuple[str, str]:
    before = with_cache(make_exchange(messages=_BEFORE), 900)
    after = with_cache(make_exchange(messages=_AFTER), 0)
    after = replace(after, request=replace(after.request, parameters={"temperature": 0.9}))
    put(home, [before, after])
    return before.id, after.id


def test_a_person_sees_what_changed_and_what_broke_the_cache(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["traces", "diff", *pair]) == 0
    out = capsys.readouterr().out
    assert "texts: 1 same, 1 changed, 1 added, 0 removed" in out
    assert "temperature: 0.2 → 0.9" in out
    assert "prompt cache: broken in system at /messages/0/content: 0 texts (0 characters) before it are alike" in out
    assert "- 900 tokens read from the cache" in out
    assert "+ 0 tokens read from the cache" in out
    assert "   You are terse.\n  -Answer in English.\n  +Today is Monday." in out
    assert "+ messages  assistant  /messages/2/content" in out
    assert "\x1b" not in out


def test_a_script_gets_all_of_it(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "diff", *pair, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["before"], document["after"], document["same"]) == (*pair, 1)
    assert [(item["kind"], item["group"]) for item in document["changes"]] == [
        ("changed", "system"),
        ("added", "messages"),
    ]
    assert document["values"] == [{"name": "temperature", "before": 0.2, "after": 0.9}]
    assert document["cache"]["broken"]["group"] == "system"
    assert document["cache"]["before"]["cache_read_tokens"] == 900


def test_equal_requests_break_nothing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = make_exchange(), make_exchange()
    put(home, [one, other])
    assert main(["traces", "diff", one.id, other.id]) == 0
    assert "prompt cache: not broken" in capsys.readouterr().out


def test_another_model_has_nothing_in_its_cache(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = make_exchange(), make_exchange(model="gpt-5")
    put(home, [one, other])
    assert main(["traces", "diff", one.id, other.id]) == 0
    assert "another model has none of it" in capsys.readouterr().out


def test_an_exchange_that_is_not_there_is_1(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["traces", "diff", pair[0], "nosuch"]) == 1
    assert "no exchange nosuch" in capsys.readouterr().err

"""Our own exports: exchanges as they were decoded, made this installation's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from mitmproxy import http
from mitmproxy.io import FlowReader

from midwatch.replay import export_line
from midwatch_core.har import har_entry, har_head
from midwatch_core.listing import row_of
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Direction
from midwatch_core.model.thread import LinkedBy, Thread
from midwatch_core.sealing import Sealer
from midwatch_core.testing.factories import make_exchange
from tests.addons.replay.conftest import Recorder


def line_of(exchange: Exchange) -> dict[str, Any]:
    """A line of `traces export`."""
    document = orjson.loads(orjson.dumps(exchange, default=str))
    return {**row_of(exchange).as_json(), "exchange": document}


def save(file: Path, *exchanges: Exchange) -> Path:
    file.write_bytes(b"".join(orjson.dumps(line_of(item), default=str) + b"\n" for item in exchanges))
    return file


def save_har(file: Path, *exchanges: Exchange) -> Path:
    entries = [har_entry(item, line_of(item)) for item in exchanges]
    file.write_bytes(orjson.dumps({"log": {**har_head("1"), "entries": entries}}, default=str))
    return file


@pytest.mark.parametrize("form", [save, save_har])
def test_an_exchange_comes_back_as_it_was(
    form: Callable[..., Path], replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    exchange = make_exchange(tenant="acme", thread=Thread(linked_by=LinkedBy.SESSION, parent_id="p"), session="s")
    back = replayer().one(form(tmp_path / "file", exchange))
    assert row_of(back) == row_of(exchange)
    assert back.thread == exchange.thread
    assert back.cost == exchange.cost
    assert [item.text for item in back.request.segments] == [item.text for item in exchange.request.segments]
    assert back.identity.learned_from == {"app": "header", "tenant": "replay"}


def test_texts_are_hashed_anew_and_so_is_the_skeleton(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    back = replayer(tenant="other").one(save(tmp_path / "file", make_exchange(tenant="acme")))
    sealer = Sealer(b"the key of this installation", "other")
    assert back.identity.tenant == "other"
    hashes = [item.hash for item in back.request.segments]
    assert hashes == [sealer.hash(item.text) for item in back.request.segments]
    assert isinstance(back.request.body, dict)
    messages = back.request.body["messages"]
    assert isinstance(messages, list)
    assert [item["content"] for item in messages if isinstance(item, dict)] == [{"$text": name} for name in hashes]


def test_a_skeleton_can_not_name_a_text_that_is_not_its_own(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    exchange = make_exchange()
    forged = replace(exchange, request=replace(exchange.request, body={"a": {"$text": "f" * 32}}))
    assert replayer().one(save(tmp_path / "file", forged)).request.body == {"a": {"$omitted": 0}}


def test_nobody_here_has_inspected_it_nor_priced_what_had_no_price(
    replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    unpriced = make_exchange(inspected=(Direction.REQUEST,), cost=Cost(reason="no price is known"))
    back = replayer().one(save(tmp_path / "file", unpriced))
    assert (back.inspected, back.cost) == ((), None)


def test_lines_that_are_no_exchange_are_named_and_the_rest_is_read(
    replayer: Callable[..., Recorder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = orjson.dumps(line_of(make_exchange()), default=str)
    row = row_of(make_exchange()).as_json()
    no_zone, wrong_id = line_of(make_exchange()), line_of(make_exchange())
    no_zone["exchange"]["started_at"] = "2026-03-01T09:00:00"
    wrong_id["exchange"]["id"] = "../../etc/passwd"
    bad = [b"[]", b"{", orjson.dumps(row, default=str), orjson.dumps(no_zone), orjson.dumps(wrong_id), b"{}"]
    monkeypatch.setattr(export_line, "MAX_LINE_BYTES", len(good) + 100)
    long = b'{"x": "' + b"y" * (len(good) + 200) + b'"}'
    (tmp_path / "file").write_bytes(b"\n".join([b"\xef\xbb\xbf" + good, *bad, b"", long, good]))
    recorder = replayer()
    tally = recorder.replay(tmp_path / "file")
    assert len(recorder.sent) == 2
    assert [item.place for item in tally.named] == [f"line {number}" for number in (2, 3, 4, 5, 6, 7, 9)]
    reasons = [item.reason for item in tally.named]
    assert "`traces export` writes what can be replayed" in reasons[2]
    assert "no time zone" in reasons[3]
    assert "longer than" in reasons[6]


def test_an_exchange_nested_without_end_is_no_trouble(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    line = json.dumps(line_of(make_exchange()), default=str)
    deep = line.replace('"body": {', '"body": {"deep": ' + "[" * 400 + "]" * 400 + ", ", 1)
    (tmp_path / "file").write_text(deep + "\n" + line)
    recorder = replayer()
    tally = recorder.replay(tmp_path / "file")
    assert tally.calls.total() + tally.broken == 2
    assert recorder.sent


def test_other_readers_of_har_read_ours(tmp_path: Path) -> None:
    with save_har(tmp_path / "file", make_exchange(), make_exchange(response=None, status=None)).open("rb") as file:
        flow, unanswered = FlowReader(file).stream()
    assert isinstance(flow, http.HTTPFlow)
    assert flow.response is not None
    assert flow.response.json()["choices"][0]["message"]["content"] == "Paris."
    assert isinstance(unanswered, http.HTTPFlow)
    assert unanswered.request.json()["model"] == "gpt-5-mini"

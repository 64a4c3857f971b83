"""Reload: on SIGHUP, and by itself when a file changes; what is bad is named in the log and the last good one stays."""

from __future__ import annotations

import os
import signal
from typing import Any

import httpx
import pytest
import yaml

CHAT = "/v1/chat/completions"
BODY = {"model": "night-1", "messages": [{"role": "user", "content": "Who goes there?"}]}


def priced(house: Any, trail: Any) -> dict[str, Any]:
    way = trail()
    with house.client() as web:
        url = f"https://localhost:{house_port(house)}{CHAT}"
        assert web.post(url, json=BODY, headers=way.header).status_code == 200
    row: dict[str, Any] = house.row(way.id)
    return row


def house_port(house: Any) -> int:
    settings = yaml.safe_load(house.config_file.read_text())
    return int(settings["providers"][-1]["hosts"][-1].rpartition(":")[2])


def prices(house: Any, rate: str) -> None:
    file = house.home.root / "prices.yaml"
    fresh = file.with_suffix(".new")
    fresh.write_text(f"prices: [{{provider: acme, model: night-1, input: {rate}, output: 0}}]\n")
    fresh.replace(file)


def test_prices_and_providers(make_house: Any, world: Any, trail: Any, waiting: Any) -> None:
    house = make_house()
    first = priced(house, trail)
    assert first["cost_usd"] is None
    assert "pricing.overrides" in first["cost_reason"]

    prices(house, "1000000")  # a dollar a token; the file is seen to have changed
    waiting(lambda: "reloaded" in house.log, "the reload by file")
    row = priced(house, trail)
    assert row["cost_usd"] == row["input_tokens"]

    prices(house, "a lot")
    waiting(lambda: "the last good one stays" in house.log, "the bad file to be named")
    line = next(line for line in house.log.splitlines() if "the last good one stays" in line)
    assert "prices.yaml" in line
    assert "input" in line
    row = priced(house, trail)
    assert row["cost_usd"] == row["input_tokens"]

    count = house.log.count("reload")
    prices(house, "2000000")
    house.process.send_signal(signal.SIGHUP)
    waiting(lambda: house.log.count("reload") > count, "the reload by signal")
    row = priced(house, trail)
    assert row["cost_usd"] == 2 * row["input_tokens"]

    _a_provider_is_added(house, world, trail, waiting)
    _a_bad_setting_is_refused(house, waiting)
    row = priced(house, trail)
    assert row["provider"] == "acme"
    assert house.ask({"op": "status"})["listen"] == httpx.URL(house.proxy).netloc.decode()
    assert "is replaced" not in house.log  # a worker follows all that by itself


def _a_provider_is_added(house: Any, world: Any, trail: Any, waiting: Any) -> None:
    """A name that was passed through undecrypted becomes one that is read."""
    with pytest.raises(httpx.ConnectError), house.client() as web:
        web.post(f"https://sim.example{CHAT}", json=BODY)
    settings = yaml.safe_load(house.config_file.read_text())
    settings["providers"].insert(0, {"name": "moon", "hosts": ["sim.example"]})
    house.config_file.write_text(yaml.safe_dump(settings))
    house.process.send_signal(signal.SIGHUP)

    def read() -> dict[str, Any] | None:
        way = trail()
        try:
            with house.client() as web:
                web.post(f"https://sim.example{CHAT}", json=BODY, headers=way.header)
        except httpx.ConnectError:
            return None
        found: dict[str, Any] = house.row(way.id)
        return found

    assert waiting(read, "the added provider to be read")["provider"] == "moon"


def _a_bad_setting_is_refused(house: Any, waiting: Any) -> None:
    good = house.config_file.read_text()
    house.config_file.write_text(good + "retention_dayz: 3\n")
    house.process.send_signal(signal.SIGHUP)
    waiting(lambda: "retention_dayz" in house.log, "the bad setting to be named")
    house.config_file.write_text(good)


def test_a_worker_killed_after_a_reload_listens_where_it_did(
    make_house: Any, living: Any, waiting: Any, trail: Any
) -> None:
    house = make_house()
    house.process.send_signal(signal.SIGHUP)
    waiting(lambda: "reloaded" in house.log, "the reload")
    (worker,) = [line.split()[0] for line in living(str(house.home.root)) if "proxy.worker" in line]
    os.kill(int(worker), signal.SIGKILL)
    way = trail()
    with house.client() as web:  # it waits in the supervisor's socket for the next worker
        answer = web.post(f"https://api.openai.com{CHAT}", json={**BODY, "model": "gpt-4o"}, headers=way.header)
    assert answer.status_code == 200
    assert house.row(way.id)["cost_usd"] > 0


def test_where_the_supervisor_was_killed_nothing_runs(make_house: Any, living: Any, waiting: Any) -> None:
    house = make_house()
    waiting(house.home.crew.exists, "the supervisor to say how its processes do")
    house.process.kill()
    house.process.wait(60)
    waiting(lambda: not living(str(house.home.root)), "its processes to end")
    assert house.home.crew.exists()
    done = house.run("reload", timeout_s=25)  # it does not wait for control to be started again, which takes longer
    assert (done.returncode, "Midwatch does not run there" in done.stderr) == (2, True), done.stderr

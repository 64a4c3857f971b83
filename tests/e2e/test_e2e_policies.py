"""A policy is published in a running house and refuses calls; rolled back or withdrawn, they pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.e2e.test_e2e_block import MARK, PACK

CHAT = "/v1/chat/completions"
API = "/api/v1/policies"
BLOCKS = "policy: {id: e2e-own}\nlines:\n  - {id: no-marks, when: {rule: e2e/marks/forbidden}, then: block}\n"
FLAGS = BLOCKS.replace("then: block", "then: flag")


def said(house: Any, way: Any) -> int:
    """The status of a call whose question has the mark in it."""
    port = yaml.safe_load(house.config_file.read_text())["providers"][-1]["hosts"][-1].rpartition(":")[2]
    body = {"model": "night-1", "messages": [{"role": "user", "content": f"say {MARK} twice"}]}
    with house.client() as web:
        return int(web.post(f"https://localhost:{port}{CHAT}", json=body, headers=way.header).status_code)


def furnished(root: Path) -> Path:
    """A home with a rule of its own."""
    rules = root / "rules"
    rules.mkdir(parents=True, mode=0o700)
    root.chmod(0o700)
    (rules / "marks.rules.yaml").write_text(PACK)
    return root


def all_say(house: Any, trail: Any, status: int) -> bool:
    """Whether calls, enough of them for two workers, all have this status."""
    return all(said(house, trail()) == status for _ in range(6))


def test_a_policy_is_published_rolled_back_and_withdrawn_in_every_worker(
    house_in: Any, trail: Any, waiting: Any, tmp_path: Path
) -> None:
    root = furnished(tmp_path / "kept")
    with house_in(tmp_path / "first", root=root, settings={"workers": 2}) as house:
        assert said(house, trail()) == 200
        with httpx.Client(base_url=house.console, trust_env=False, timeout=30) as web:
            for text in (FLAGS, BLOCKS):
                assert web.post(f"{API}/publish", json={"text": text, "note": "e2e"}).status_code == 200
            waiting(lambda: all_say(house, trail, 403), "every worker to refuse")
            told = web.post(f"{API}/simulate", json={"text": FLAGS}).json()
            assert told["changes"]["block → flag"] >= 1
            assert web.post(f"{API}/roll_back", json={"version": 1}).json()["version"] == 3
            waiting(lambda: all_say(house, trail, 200), "every worker to let it pass")
            assert web.get(API).json()["policy"]["text"] == FLAGS
        assert house.ask({"op": "policy_roll_back", "version": 2})["row"]["version"] == 4  # as the command does
        waiting(lambda: all_say(house, trail, 403), "the command's change to arrive")
        assert house.ask({"op": "policy_withdraw"}) == {"withdrawn": True}
        waiting(lambda: all_say(house, trail, 200), "what the configuration names to be in use")

"""Where a budget's counter stands, told from outside: by the last call that it lets pass."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import httpx

from tests.e2e.chaos.crowd import request_of
from tests.e2e.chaos.scene import Scene
from tests.e2e.killing import until

_NANO = 10**9
# What a token costs at the prices of `running.PRICES`.
_INPUT_NANO, _OUTPUT_NANO = 1000, 2000


async def probe_budget(scene: Scene, spent_nano: int) -> tuple[int, int]:
    """Start anew with fresh counters, and ask: the status with one nano-dollar too little, then with just enough."""
    url, body = request_of("openai", "0" * 32)
    data = json.dumps(body).encode()
    bound_nano = len(data) * _INPUT_NANO + body["max_tokens"] * _OUTPUT_NANO
    await _start_anew(scene, spent_nano + bound_nano - 1)
    too_little = await _status(scene, url, data)
    _allow(scene, spent_nano + bound_nano)
    enough = 0

    async def passes() -> bool:
        nonlocal enough
        enough = await _status(scene, url, data)
        return enough == 200  # what is refused until the worker has heard of it costs nothing

    await until(passes, f"the budget to let a call pass\n{scene.house.log}")
    return too_little, enough


async def _start_anew(scene: Scene, nano: int) -> None:
    assert await scene.house.end() == 0, scene.house.log
    for server in scene.profile.servers:
        if server.name == "Valkey":  # killed, it forgets
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
    _allow(scene, nano)
    scene.house.start()
    await scene.house.ready()


def _allow(scene: Scene, nano: int) -> None:
    """Set the budget to so many nano-dollars; while it runs the house takes the file by itself."""
    budget = scene.budget.model_dump(mode="json") | {"usd": str(Decimal(nano) / _NANO)}
    scene.house.configure({**scene.settings, "budgets": [budget]})


async def _status(scene: Scene, url: str, data: bytes) -> int:
    host, port = scene.crowd.proxy
    async with httpx.AsyncClient(proxy=f"http://{host}:{port}", verify=scene.crowd.trust, trust_env=False) as web:
        answer = await web.post(url, content=data, headers={"content-type": "application/json"}, timeout=30)
    return answer.status_code

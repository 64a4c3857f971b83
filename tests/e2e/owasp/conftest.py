"""One stage for the whole suite: a house under the strict policy, as it is shipped.

Its tests put the same question again and again, which is a loop where anybody looks for one: nobody does here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.owasp.stage import Stage


@pytest.fixture(scope="session")
def stage(house_in: Any, world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("owasp")
    settings = {"anomaly": {"loops": {"enabled": False}}}
    with house_in(folder, "--policy", "strict", settings=settings) as house, Stage.on(house, world) as made:
        yield made

"""One stage for the whole suite: a house under the strict policy, as it is shipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.owasp.stage import Stage


@pytest.fixture(scope="session")
def stage(house_in: Any, world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("owasp")
    with house_in(folder, "--policy", "strict") as house, Stage.on(house, world) as made:
        yield made

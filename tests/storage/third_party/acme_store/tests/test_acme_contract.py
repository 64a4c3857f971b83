"""Acme's store passes the suite that midwatch-core ships, and opens by its URL where it is installed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from midwatch_core import ConfigError, TraceRepository
from midwatch_core.testing import installed_traces
from midwatch_core.testing.repository_contract import TraceRepositoryContract


class TestAcmeTraces(TraceRepositoryContract):
    """The contract."""

    @pytest.fixture
    async def repository(self, tmp_path: Path) -> AsyncIterator[TraceRepository]:
        repository = installed_traces(f"acme://{tmp_path}/acme.db")
        await repository.start()
        yield repository
        await repository.close()


def test_a_url_that_names_no_file_is_an_error_of_the_setting() -> None:
    with pytest.raises(ConfigError, match=r"storage\.traces: write acme:///PATH"):
        installed_traces("acme://relative")

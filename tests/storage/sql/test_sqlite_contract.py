from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from midwatch_core.ports import TraceRepository
from midwatch_core.testing.repository_contract import TraceRepositoryContract
from midwatch_sql import open_traces


class TestSqliteTraces(TraceRepositoryContract):
    @pytest.fixture
    async def repository(self, tmp_path: Path) -> AsyncIterator[TraceRepository]:
        repository = open_traces(f"sqlite:///{tmp_path}/midwatch.db")
        assert repository is not None
        await repository.start()
        yield repository
        await repository.close()

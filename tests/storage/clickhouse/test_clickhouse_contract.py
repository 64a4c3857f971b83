from midwatch_core.testing.repository_contract import TraceRepositoryContract


class TestClickHouseTraces(TraceRepositoryContract):
    """The `repository` fixture is the folder's."""

"""The connection: ClickHouse's HTTP protocol through its own asynchronous client, errors in the port's words."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from midwatch_clickhouse.address import Address
from midwatch_clickhouse.columns import ColumnSpec
from midwatch_core import ConfigError, StorageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient

# Sent with every call. Inserts are answered when they are kept, seen by the views, and one block: its token covers all.
_SETTINGS = {
    "async_insert": "0",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "distributed_foreground_insert": "1",
    "distributed_product_mode": "local",
    "max_partitions_per_insert_block": "0",
    "min_insert_block_size_bytes": "1073741824",
    "min_insert_block_size_rows": "1048576",
}


def check_driver() -> None:
    """Raises ConfigError where the driver is not installed."""
    try:
        import clickhouse_connect.driver.asyncclient  # noqa: F401  # looked for, no more
    except ImportError as error:
        raise ConfigError(
            f"storage.traces: {error.name or 'clickhouse_connect'} is not installed: install midwatch[clickhouse]"
        ) from error


class Connection:
    """One client for all calls of a repository; each call may take `timeout_s` of silence, then it is unavailable."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Connect, where that is not done yet. Raises StorageError."""
        async with self._opening, self._translated():
            if self._client is None:
                self._client = await asyncio.wait_for(_client(self.address), self.address.timeout_s)

    async def rows(
        self, query: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, str] | None = None
    ) -> Sequence[Sequence[Any]]:
        """The rows of a SELECT. Raises StorageError."""
        async with self._translated():
            found = await self._open_client().query(
                query, parameters=dict(parameters or {}), settings=dict(settings or {})
            )
            rows: Sequence[Sequence[Any]] = found.result_rows
            return rows

    async def command(
        self, statement: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        """Run a statement that gives nothing back. Raises StorageError."""
        async with self._translated():
            await self._open_client().command(
                statement, parameters=dict(parameters or {}), settings=dict(settings or {})
            )

    async def insert(
        self, table: str, columns: Sequence[ColumnSpec], values: Sequence[Sequence[Any]], *, token: str | None = None
    ) -> None:
        """Insert rows given column by column, `token` telling them from others. Raises StorageError."""
        async with self._translated():
            await self._open_client().insert(
                table,
                values,
                column_names=[column.name for column in columns],
                column_type_names=[column.wire for column in columns],
                column_oriented=True,
                settings={"insert_deduplication_token": token} if token else {},
            )

    async def close(self) -> None:
        """Let go. The connection can't be used afterwards."""
        client, self._client = self._client, None
        if client is not None:
            async with self._translated():
                await client.close()

    def _open_client(self) -> "AsyncClient":
        if self._client is None:
            raise StorageError(f"{self.address.shown}: the repository is not open")
        return self._client

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        from midwatch_clickhouse.server_errors import translated

        with translated(self.address):
            yield


async def _client(address: Address) -> "AsyncClient":
    from clickhouse_connect.driver.asyncclient import AsyncClient

    # Compressing pays on a network, and costs more than it saves within a machine.
    near = address.host in ("localhost", "127.0.0.1", "::1")
    # Not by `create_async_client`, which connects at once: by HTTPS_PROXY, and on a machine under watch that is us.
    client = AsyncClient(
        compress=not near,
        interface="https" if address.tls else "http",
        host=address.host,
        port=address.port,
        username=address.user,
        password=address.password,
        database=address.database,
        verify=address.verify,
        ca_cert=address.ca,
        connect_timeout=address.connect_timeout_s,
        send_receive_timeout=address.timeout_s,
        client_name="midwatch",
        autogenerate_session_id=False,  # one session takes one query at a time
        settings=dict(_SETTINGS),
    )
    _lead(client, address.proxy)
    await client._initialize()
    return client


def _lead(client: "AsyncClient", proxy: str | None) -> None:
    """Through this proxy or none: the driver, told of none, asks the environment. Raises ConfigError.

    It has no public word for it; where it keeps its proxy elsewhere, it must not be used.
    """
    backend = getattr(client, "_backend", None)
    if backend is None or not hasattr(backend, "proxy_url"):
        raise ConfigError("storage.traces: this clickhouse-connect is not known: it might go by HTTPS_PROXY; use 1.12")
    backend.proxy_url = proxy

"""A SQLite file in use: one writing thread with its connection, and a few that only read, beside the event loop.

The standard library's driver, not SQLAlchemy: its import alone would use up what a command line may take, and hot
batches go to the driver directly anyway.
"""

import asyncio
import queue
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from midwatch_core import StorageError
from midwatch_sql.connecting import in_transaction, open_reader, open_writer
from midwatch_sql.location import Location
from midwatch_sql.sqlite_errors import translated

READERS = 3


class Database:
    """Runs functions over connections in threads. A writing function runs in one transaction, whole or not at all."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._writing: ThreadPoolExecutor | None = None
        self._reading: ThreadPoolExecutor | None = None
        self.writer: sqlite3.Connection | None = None
        self._readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._opened: list[sqlite3.Connection] = []

    async def start(self, migrate: Callable[[sqlite3.Connection], None]) -> None:
        """Open; `migrate` is called first, over a connection without a transaction. Raises StorageError."""
        if self._reading is not None:
            return
        self._reading = ThreadPoolExecutor(READERS, thread_name_prefix="midwatch-sql-read")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="midwatch-sql-write")
        try:
            await asyncio.get_running_loop().run_in_executor(self._writing, self._open, migrate)
        except StorageError:
            await self.close()
            raise

    def _open(self, migrate: Callable[[sqlite3.Connection], None]) -> None:
        with translated(self.location.path):
            if self.location.read_only:
                reader = self._reader()
                migrate(reader)
                self._readers.put(reader)
                return
            self.writer = open_writer(self.location)
            migrate(self.writer)

    async def write[Result](self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` in a transaction of its own, after the writes asked for before. Raises StorageError."""
        return await self.write_outside(lambda connection: in_transaction(connection, work))

    async def write_prepared[Ready](
        self, prepare: Callable[[], Ready], work: Callable[[sqlite3.Connection, Ready], None]
    ) -> None:
        """The same, where making ready what is written takes time of its own: done before the file is locked."""

        def ready(connection: sqlite3.Connection) -> None:
            prepared = prepare()
            in_transaction(connection, lambda writer: work(writer, prepared))

        await self.write_outside(ready)

    async def write_outside[Result](self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` over the writing connection without a transaction. Raises StorageError."""
        if self.location.read_only:
            raise StorageError(f"{self.location.path}: opened with mode=ro, nothing can be written")
        return await self._run(self._writing, self._write, work)

    async def read[Result](self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` over one unchanging view of the file. Raises StorageError."""
        return await self._run(self._reading, self._read, work)

    async def _run[Work, Result](
        self, threads: ThreadPoolExecutor | None, run: Callable[[Work], Result], work: Work
    ) -> Result:
        if threads is None:
            raise StorageError(f"{self.location.path}: the repository is not open")
        return await asyncio.get_running_loop().run_in_executor(threads, run, work)

    def _write[Result](self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        if self.writer is None:
            raise StorageError(f"{self.location.path}: the repository is not open")
        with translated(self.location.path):
            return work(self.writer)

    def _read[Result](self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with translated(self.location.path):
            try:
                connection = self._readers.get_nowait()
            except queue.Empty:
                connection = self._reader()
            try:
                connection.execute("BEGIN")
                return work(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._readers.put(connection)

    def _reader(self) -> sqlite3.Connection:
        connection = open_reader(self.location)
        self._opened.append(connection)
        return connection

    async def close(self) -> None:
        """Finish what was asked for, and let go of the file."""
        threads = [pool for pool in (self._reading, self._writing) if pool is not None]
        self._reading = self._writing = None
        for pool in threads:
            await asyncio.to_thread(pool.shutdown)
        with translated(self.location.path):
            # The writer last: the connection that closes last folds the WAL into the file.
            for connection in [*self._opened, *filter(None, [self.writer])]:
                connection.close()
        self._opened.clear()
        self._readers = queue.SimpleQueue()
        self.writer = None

"""The metadata repository in memory."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from midwatch_core import AuditRecord, StorageError, microseconds
from midwatch_memory.capacity import DEFAULT


class MemoryMetadata:
    """A MetadataRepository that holds at most `capacity` audit records; the oldest make room."""

    def __init__(self, capacity: int = DEFAULT) -> None:
        self._settings: dict[str, str] = {}
        self._audit: deque[AuditRecord] = deque(maxlen=capacity)
        self._open = False

    async def start(self) -> None:
        """Open."""
        self._open = True

    async def setting(self, key: str) -> str | None:
        """The value kept under `key`."""
        self._check_open()
        return self._settings.get(key)

    async def keep_setting(self, key: str, value: str) -> None:
        """Keep `value` under `key`."""
        self._check_open()
        self._settings[key] = value

    async def append_audit(self, record: AuditRecord) -> None:
        """Add to the audit log. Raises StorageError for a moment without a time zone."""
        self._check_open()
        microseconds(record.at)
        self._audit.append(record)

    async def audit(self, *, limit: int) -> Sequence[AuditRecord]:
        """The newest records, newest first. Raises StorageError."""
        self._check_open()
        if limit < 1:
            raise StorageError(f"a page of {limit} records: at least 1 is needed")
        return list(islice(reversed(self._audit), limit))

    async def close(self) -> None:
        """Forget everything."""
        self._open = False
        self._settings.clear()
        self._audit.clear()

    def _check_open(self) -> None:
        if not self._open:
            raise StorageError("memory://: the repository is not open")

"""How often rules fired of late: counts of the findings that are kept, of the caller's tenants."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.requests import Request

from midwatch_core import FindingFilter
from midwatch_web.serving.asked import host_of, queries_of

WINDOW = timedelta(days=7)


def since_of(request: Request) -> datetime:
    """When the days begin that are counted."""
    return host_of(request).clock.now() - WINDOW


async def fired(request: Request) -> Mapping[str, int]:
    """Findings of the last seven days by rule; those that never fired are not in it. Raises StorageError."""
    counts = await queries_of(request).finding_counts(FindingFilter(since=since_of(request)), by=["rule"])
    return {count.group[0]: count.findings for count in counts if count.group[0] is not None}

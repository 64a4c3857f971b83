"""The trace repository of Midwatch in ClickHouse, opened by `clickhouse://` and `clickhouses://` (TLS) URLs.

This module is imported in every process, so it imports nothing but the contract: the driver is imported when a
repository is opened.
"""

from midwatch_core import TraceRepository, hookimpl

_SCHEMES = ("clickhouse://", "clickhouses://")


@hookimpl(trylast=True)
def open_traces(url: str) -> TraceRepository | None:
    """A trace repository for a ClickHouse URL. Raises ConfigError: a URL that is none, a driver that is absent."""
    if not url.startswith(_SCHEMES):
        return None
    from midwatch_clickhouse.address import parse_url
    from midwatch_clickhouse.connecting import check_driver

    address = parse_url(url)
    check_driver()
    from midwatch_clickhouse.traces import ClickHouseTraces

    return ClickHouseTraces(address)

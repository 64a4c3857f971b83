"""ClickHouse: the trace repository of Midwatch for many calls."""

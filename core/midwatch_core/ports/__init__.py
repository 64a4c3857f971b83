"""The ports: what the house asks of a store, whichever engine answers. Contract suites are in `testing`."""

from midwatch_core.ports.cache import CacheLayer, ImmediateMeters
from midwatch_core.ports.metadata import MetadataRepository
from midwatch_core.ports.migrations import Migrations, SchemaState
from midwatch_core.ports.scope import Scope
from midwatch_core.ports.traces import COST_KEYS, CostRow, ExchangeFilter, Page, TraceRepository

__all__ = [
    "COST_KEYS",
    "CacheLayer",
    "CostRow",
    "ExchangeFilter",
    "ImmediateMeters",
    "MetadataRepository",
    "Migrations",
    "Page",
    "SchemaState",
    "Scope",
    "TraceRepository",
]

"""The scan pool: third parties' detectors in a process of their own, which may hang or die without harm to a call.

Its owner is a worker, or control; its counterpart there is the engine, which asks it for the plugins that are not
listed under `plugins.in_loop`.
"""

from midwatch.pool.errors import PoolError
from midwatch.pool.opening import pool_of
from midwatch.pool.pool import ScanPool
from midwatch.pool.standing import METRICS, PluginState, Standing
from midwatch.pool.who import pool_plugins

__all__ = ["METRICS", "PluginState", "PoolError", "ScanPool", "Standing", "pool_of", "pool_plugins"]

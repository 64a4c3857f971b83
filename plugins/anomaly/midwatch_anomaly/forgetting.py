"""Forgetting a tenant in a home where nothing watches."""

from pathlib import Path

from midwatch_anomaly.keeping import FileKeeper
from midwatch_anomaly.newness import NewnessLimits
from midwatch_anomaly.rounds import FOLDER
from midwatch_anomaly.seen_names import SeenNames


async def forget_at_home(home: Path, tenant: str) -> None:
    """Take a tenant out of the files; where there are none there is nothing to do. Raises OSError."""
    folder = home / FOLDER
    await SeenNames(folder, NewnessLimits()).forget_at_home(tenant)
    await FileKeeper(folder).forget(tenant)

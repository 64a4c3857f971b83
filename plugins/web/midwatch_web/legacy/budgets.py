"""Budgets as the predecessor's windows of spending."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from midwatch_core import Json

_WINDOWS = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}


def spending(
    rows: Iterable[Mapping[str, Json]], now: datetime, *, tenant: str | None, agent: str | None
) -> dict[str, object]:
    """The budgets of a tenant (of all that are given, if None), and of an agent where one is named."""
    windows = [_window(row, now) for row in rows if tenant in (None, row["tenant"]) and _is_of(row, agent)]
    return {"tenant_id": tenant or "", "agent_id": agent or "", "windows": windows}


def _is_of(row: Mapping[str, Json], agent: str | None) -> bool:
    values = row["values"]
    return agent is None or (isinstance(values, dict) and values.get("agent") == agent)


def _window(row: Mapping[str, Json], now: datetime) -> dict[str, object]:
    limit, hard = float(str(row["usd"])), bool(row["hard"])
    resets = datetime.fromisoformat(str(row["until"])) - now
    return {
        "window": _WINDOWS[str(row["period"])],
        "current_spend_usd": row["spent_usd"],
        "hard_limit_usd": limit,
        "soft_limit_usd": None if hard else limit,
        "utilization_pct": round(float(str(row["share"])) * 100, 2),
        "resets_in_secs": max(0, int(resets.total_seconds())),
        "tenant_id": row["tenant"],
        "budget": row["id"],
    }

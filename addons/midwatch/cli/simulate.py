"""`policy simulate`: a policy run over the findings of stored exchanges, and what it would have changed."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midwatch.cli.printing import print_json, print_text, visible
from midwatch.cli.stored import Stored
from midwatch.home import Home
from midwatch.settings import policy_named, resolve
from midwatch_core.policy import Policy
from midwatch_core.simulating import Change, change, turn


@dataclass(slots=True)
class Summary:
    """How many exchanges had findings, and how many would have been treated otherwise, by `before → after`."""

    with_findings: int = 0
    changes: Counter[str] = field(default_factory=Counter)

    @property
    def changed(self) -> int:
        """Exchanges that would have been treated otherwise."""
        return self.changes.total()


def simulate(home: Home, config_file: Path | None, name: str, *, since: str | None, limit: int, as_json: bool) -> int:
    """Print each of the newest `limit` exchanges that the policy would have treated otherwise, and a summary."""
    policy = policy_named(resolve(home, config_file=config_file, flags={}), name)
    wanted = {"since": since} if since else {}
    summary = asyncio.run(_simulate(Stored(home, config_file), policy, wanted, limit, as_json=as_json))
    if as_json:
        print_json([{"summary": {"policy": policy.name, "with_findings": summary.with_findings, **_counts(summary)}}])
    else:
        print_text("\n".join(_told(summary, policy)))
    return 0


async def _simulate(stored: Stored, policy: Policy, wanted: Mapping[str, Any], limit: int, *, as_json: bool) -> Summary:
    summary = Summary()
    async with stored.with_findings(wanted, look_at=limit) as exchanges:
        async for exchange in exchanges:
            summary.with_findings += 1
            found = change(exchange, policy)
            if found is None:
                continue
            if (turned := turn(found)) is not None:
                summary.changes[turned] += 1
            print_json([found]) if as_json else print_text(_line(found))
    return summary


def _line(found: Change) -> str:
    parts = [
        found["id"],
        found["at"][:19].replace("T", " "),
        f"{found['before']} → {found['after']}",
        f"by {found['line']}" if found["line"] else "by no line",
        ", ".join(found["rules"]),
        f"(on trial: {found['dry_run']} by {found['dry_run_line']})" if found["dry_run"] else "",
    ]
    return visible("  ".join(filter(None, parts)))


def _counts(summary: Summary) -> dict[str, Any]:
    return {"changed": summary.changed, "changes": dict(summary.changes.most_common())}


def _told(summary: Summary, policy: Policy) -> list[str]:
    return [
        f"{policy.name}: {summary.changed} of {summary.with_findings} exchanges with findings would have been treated "
        "otherwise",
        *(f"  {count:>6}  {what}" for what, count in summary.changes.most_common()),
    ]

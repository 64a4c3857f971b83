"""Checks of control: policy, audit log, keys, limits, and that detectors work."""

from midwatch_compliance.evidence.model import Evidence
from midwatch_compliance.frameworks.model import Check
from midwatch_compliance.judging.judged import Judged, attention, evidenced, unknown

# This policy only records, whatever is found.
_OBSERVING = "observe"


def policy_acts(evidence: Evidence, _: Check) -> Judged:
    """A policy that only records needs attention."""
    policy, refused = evidence.policy, evidence.traffic.refused
    if policy is None:
        return unknown("Which policy is in use can't be told here.")
    if policy.id == _OBSERVING:
        return attention(
            "The policy `observe` is in use: it records what is found and stops nothing.", {"refused": refused}
        )
    said = f"The policy `{policy.id}` is in use; calls of the period that were stopped: {refused:,}."
    return evidenced(said, {"refused": refused})


def policy_versioned(evidence: Evidence, _: Check) -> Judged:
    """Whether versions of the policy are kept."""
    policy = evidence.policy
    if policy is None or policy.versions is None:
        return unknown("Which versions the policy has had can't be told here.")
    if not policy.versions:
        return attention(f"No version of the policy `{policy.id}` is kept.", {"versions": 0})
    changed = f"; the newest is of {policy.changed_at:%Y-%m-%d}" if policy.changed_at else ""
    return evidenced(
        f"Versions kept of the policy `{policy.id}`, with author and time: {policy.versions:,}{changed}.",
        {"versions": policy.versions},
    )


def audit_whole(evidence: Evidence, _: Check) -> Judged:
    """Whether the chain of the audit log holds."""
    audit = evidence.audit
    if audit is None:
        return unknown("There is no audit log here.")
    if not audit.verified:
        return attention(f"The audit log does not hold: {audit.fault}.")
    entries = "" if audit.entries is None else f" of {audit.entries:,} entries"
    end = "also against this node's memory of its end" if audit.anchored else "but not against a memory of its end"
    return evidenced(
        f"The chained audit log{entries} was verified, {end}.",
        {} if audit.entries is None else {"entries": audit.entries},
    )


def audit_actions(evidence: Evidence, check: Check) -> Judged:
    """How often something was done, by an audit log that holds. Also none is evidence: it would be there."""
    audit = evidence.audit
    if audit is None or not audit.verified:
        return unknown("There is no audit log here that holds.")
    counts = {name: audit.actions.get(name, 0) for name in check.actions}
    told = ", ".join(f"{count:,} × {name}" for name, count in counts.items())
    whose = "" if evidence.tenant is None else ", in this tenant's entries"
    which = f", among the newest {audit.looked_at:,} entries" if audit.cut else ""
    return evidenced(f"On the audit log in the period{whose}{which}: {told}.", counts)


def keys(evidence: Evidence, _: Check) -> Judged:
    """Listeners that ask nobody for a key need attention."""
    found = evidence.keys
    if found is None:
        return unknown("Which keys there are can't be told here.")
    roles = ", ".join(f"{count:,} {role}" for role, count in sorted(found.by_role.items())) or "none"
    said = f"Valid keys: {found.valid:,} ({roles})."
    asking = {"the console": found.console_asks, "the proxy": found.calls_need_key}
    if open_ := [what for what, asks in asking.items() if asks is False]:
        return attention(f"{said} No key is asked for by {' and '.join(open_)}.", {"valid": found.valid})
    if None in asking.values():
        return unknown(f"{said} Who is asked for one can't be told here.")
    return evidenced(f"{said} Console and proxy ask for one.", {"valid": found.valid})


def keys_expire(evidence: Evidence, _: Check) -> Judged:
    """Keys that stay valid for ever need attention."""
    found = evidence.keys
    if found is None or not found.valid:
        return unknown("There is no valid key here.")
    numbers = {"valid": found.valid, "never_expire": found.never_expire}
    if found.never_expire:
        return attention(f"Valid keys that never expire: {found.never_expire:,} of {found.valid:,}.", numbers)
    return evidenced(f"Valid keys, each of which expires: {found.valid:,}.", numbers)


def limits(evidence: Evidence, _: Check) -> Judged:
    """No limit and no budget needs attention."""
    found = evidence.limits
    if found is None:
        return unknown("Which limits and budgets hold can't be told here.")
    numbers = {"limits": found.limits, "budgets": found.budgets}
    if not found.limits and not found.budgets:
        return attention("No limit and no budget is set.", numbers)
    return evidenced(f"In force: limits {found.limits:,}, budgets {found.budgets:,}.", numbers)


def detectors_work(evidence: Evidence, _: Check) -> Judged:
    """Detectors that fail, and calls that passed unguarded, need attention."""
    health = evidence.health
    if health is None:
        return unknown("How detectors do is the installation's, and not told in a tenant's report.")
    numbers = {"inspection_failures": health.inspection_failures, "unguarded": health.unguarded}
    if health.failing_plugins or any(numbers.values()):
        failing = ", ".join(health.failing_plugins) or "none"
        return attention(
            f"Since the processes started, inspections that failed: {health.inspection_failures:,}; calls that passed "
            f"where the guard failed: {health.unguarded:,}; failing now: {failing}.",
            numbers,
        )
    return evidenced("Since the processes started, no inspection failed.", numbers)

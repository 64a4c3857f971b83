"""Checks of data: that calls are on record, what is not read, how long and how safely it is kept."""

from midwatch_compliance.evidence.model import Evidence
from midwatch_compliance.frameworks.model import Check
from midwatch_compliance.judging.judged import Judged, attention, evidenced, unknown


def calls_recorded(evidence: Evidence, _: Check) -> Judged:
    """Calls are on record, each with time, model, caller, texts, tokens and verdicts."""
    calls = evidence.traffic.totals.calls
    if not calls:
        return unknown("No call was made in the period, so there is nothing to show.")
    return evidenced(
        f"Calls of the period on record, each with time, model, caller, texts, tokens and verdicts: {calls:,}.",
        {"calls": calls, "errors": evidence.traffic.errors, "refused": evidence.traffic.refused},
    )


def shadow_ai(evidence: Evidence, _: Check) -> Judged:
    """Services that are neither of the catalogue nor approved need attention."""
    hosts = evidence.hosts
    if hosts is None or not hosts.services:
        return unknown("The inventory has no AI service of the period.")
    if hosts.shadow:
        return attention(
            f"AI services that were talked to and nobody approved: {hosts.shadow:,} of {hosts.services:,}.",
            {"services": hosts.services, "shadow": hosts.shadow},
        )
    return evidenced(
        f"AI services that were talked to, all of the catalogue or approved: {hosts.services:,}.",
        {"services": hosts.services, "shadow": 0},
    )


def unread(evidence: Evidence, _: Check) -> Judged:
    """Services whose calls were passed through unread need attention: nothing is known of what they got."""
    hosts = evidence.hosts
    if hosts is None or not hosts.services:
        return unknown("The inventory has no AI service of the period.")
    if hosts.unread:
        return attention(
            f"AI services passed through unread (what they got is unknown): {hosts.unread:,} of {hosts.services:,}.",
            {"services": hosts.services, "unread": hosts.unread},
        )
    return evidenced(
        f"AI services that were talked to, none of them passed through unread: {hosts.services:,}.",
        {"services": hosts.services, "unread": 0},
    )


def retention(evidence: Evidence, check: Check) -> Judged:
    """How long calls are kept: long enough, or not too long."""
    days = evidence.keeping.retention_days
    if check.at_most_days is not None:
        if days is None:
            return attention("Calls are kept for ever: no term is set.")
        said = f"Calls are forgotten after {days:g} days"
        if days > check.at_most_days:
            return attention(f"{said}; this mapping looks for at most {check.at_most_days:g}.", {"days": days})
        return evidenced(f"{said}.", {"days": days})
    least = check.at_least_days or 0.0
    if days is not None and days < least:
        return attention(f"Calls are forgotten after {days:g} days; at least {least:g} are asked for.", {"days": days})
    kept = "for ever" if days is None else f"for {days:g} days"
    return evidenced(f"Calls are kept {kept}; at least {least:g} days are asked for.", {"asked_days": least})


def encrypted(evidence: Evidence, _: Check) -> Judged:
    """Whether stored texts are encrypted."""
    if evidence.keeping.texts_encrypted:
        return evidenced("Stored texts are encrypted with a key that is kept outside the store.")
    return attention("Stored texts are not encrypted by Midwatch: `storage.encryption.key` is not set.")


def nothing_lost(evidence: Evidence, _: Check) -> Judged:
    """Calls that passed without a record need attention."""
    health = evidence.health
    if health is None:
        return unknown("What was lost is counted for the whole installation, and not told in a tenant's report.")
    numbers = {"dropped": health.calls_dropped, "without_texts": health.texts_dropped, "dead": health.dead_letters}
    if any(numbers.values()):
        return attention(
            f"Since the processes started, calls without a record: {health.calls_dropped:,}; recorded without texts: "
            f"{health.texts_dropped:,}; set aside unread: {health.dead_letters:,}.",
            numbers,
        )
    return evidenced("Since the processes started, no call passed without a record.", numbers)

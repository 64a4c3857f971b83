"""What to do next: a line of advice for each category of alerts."""

from collections.abc import Mapping

_ADVICE: Mapping[str, str] = {
    "anomaly": "The page Costs and budgets shows who is behind it. A budget stops an agent that runs away, and so does "
    "revoking its key.",
    "breaker": "The page System shows which part fails and why. The breaker closes by itself once that part works.",
    "budget": "The page Costs and budgets shows who spends it. Raise the limit in the policy, or wait for its end.",
    "certificate": "Make the next one with `midwatch ca rotate`, and have clients trust it before it takes over.",
    "edge": "See in the log which addresses. Turn strangers off before the proxy; give friends room, or a new key.",
    "finding": "Look at the calls it was found in. The policy says whether such calls are flagged, masked or blocked.",
    "incidents": "Much goes wrong at once. Look at the page Alerts, the gravest first.",
    "journal": "Calls wait to be stored. See that the store works and the disk has room: a full journal loses calls.",
    "pack": "Rules of this pack are not applied as they are. `midwatch rules check` says what is wrong with it.",
    "plugin": "What this plugin looks for is not found meanwhile. The page System and the log have its error.",
    "store": "See that the database is up and can be reached. The journal keeps what comes meanwhile.",
    "worker": "The log says how it died. Others take its calls; it is tried again all the time.",
}
_USUAL = "Look at the incident, and acknowledge it when you see to it."


def advice(category: str) -> str:
    """The line for a category; a general one for those that other plugins bring."""
    return _ADVICE.get(category, _USUAL)

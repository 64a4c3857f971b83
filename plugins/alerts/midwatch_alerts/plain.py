"""Incidents as they are kept and sent: of bounded length, and every text of it such that it can be written."""

from dataclasses import replace

from midwatch_core import Incident

_LONGEST_TEXT = 1_000
_LONGEST_NAME = 300
_MOST_DETAILS = 30


def plain_incident(incident: Incident) -> Incident:
    """The incident, its texts cut."""
    details = list(incident.details.items())[:_MOST_DETAILS]
    return replace(
        incident,
        title=cut(incident.title),
        fingerprint=cut(incident.fingerprint),
        category=cut(incident.category, _LONGEST_NAME),
        tenant=None if incident.tenant is None else plain_tenant(incident.tenant),
        details={cut(str(name), _LONGEST_NAME): cut(str(text)) for name, text in details},
        acknowledged_by=None if incident.acknowledged_by is None else cut(incident.acknowledged_by, _LONGEST_NAME),
    )


def plain_tenant(name: str) -> str:
    """A tenant's name as incidents are kept with it."""
    return cut(name, _LONGEST_NAME)


def cut(text: str, most: int = _LONGEST_TEXT) -> str:
    """A text of at most so many characters; halves of surrogate pairs become question marks."""
    return (text if len(text) <= most else text[: most - 1] + "…").encode("utf-8", "replace").decode()

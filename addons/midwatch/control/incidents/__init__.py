"""The room of incidents in control: what alerts become, kept, told to plugins, and taken on by people."""

from midwatch.control.incidents.desk import Desk
from midwatch.control.incidents.links import Links
from midwatch.control.incidents.notes import IncidentNotes
from midwatch.control.incidents.room import METRICS, TROUBLES, IncidentRoom

__all__ = ["METRICS", "TROUBLES", "Desk", "IncidentNotes", "IncidentRoom", "Links"]

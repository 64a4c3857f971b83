"""An entry: a change of an incident that waits to be told to one channel, until what goes with it is gathered."""

from dataclasses import dataclass
from enum import StrEnum

from midwatch_alerts.message import MessageKind
from midwatch_core import Incident


class Stage(StrEnum):
    """What an entry is to its channel. Of one trouble, a channel has at most one waiting entry of each."""

    OPENING = "opening"
    ESCALATION = "escalation"
    CLOSING = "closing"


_STAGES = {
    MessageKind.BEGAN: Stage.OPENING,
    MessageKind.WORSE: Stage.OPENING,
    MessageKind.ESCALATION: Stage.ESCALATION,
    MessageKind.ACKNOWLEDGED: Stage.CLOSING,
    MessageKind.RESOLVED: Stage.CLOSING,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble as one channel knows it: whatever incidents it becomes, its channel is told of one thing."""

    channel: str
    tenant: str | None
    fingerprint: str

    @classmethod
    def of(cls, channel: str, incident: Incident) -> "Trouble":
        """The trouble that an incident is."""
        return cls(channel, incident.tenant, incident.fingerprint)


type EntryKey = tuple[Stage, Trouble]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What goes out as one message: equal groups do. `digest` has all that is mild; `urgent` what is critical."""

    channel: str
    kind: MessageKind
    category: str = ""
    tenant: str | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`incident` as it was then. `due_s`: seconds since the epoch when it is told, with what else its group has.

    `held`: its time is its own and not its group's, and it is not told where all is over before: an escalation, or the
    channel was told of the same trouble not long ago. `escalate_to` is told `after_s` after this was.
    """

    kind: MessageKind
    incident: Incident
    group: Group
    due_s: float
    held: bool = False
    escalate_to: tuple[str, ...] = ()
    after_s: float = 0.0

    @property
    def trouble(self) -> Trouble:
        """What it is about."""
        return Trouble.of(self.group.channel, self.incident)

    @property
    def key(self) -> EntryKey:
        """An entry of an equal key stands in for this one."""
        return _STAGES[self.kind], self.trouble

"""The desk over the control socket. The socket is the home's owner's alone: whoever asks is the machine's own user."""

from collections.abc import Mapping
from typing import Any

from midwatch.control.policy_versions import version_row
from midwatch_core.access.caller import LOCAL
from midwatch_core.errors import ConfigError, StorageError
from midwatch_core.policy_desk import PolicyDesk, PolicyDeskError

OPERATIONS = frozenset({"policy_publish", "policy_roll_back", "policy_withdraw"})
"""What `changed_policy` does: the values of a message's `op`."""


async def changed_policy(desk: PolicyDesk, message: Mapping[str, Any]) -> dict[str, Any]:
    """Change the policy as a message asks: its new version as `row`. What can't be done is in the answer's `error`."""
    try:
        match message["op"]:
            case "policy_publish":
                made = await desk.publish(LOCAL, str(message["text"]), note=str(message.get("note") or ""))
                return {"row": version_row(made)}
            case "policy_roll_back":
                return {"row": version_row(await desk.roll_back(LOCAL, int(message["version"])))}
            case "policy_withdraw":
                await desk.withdraw(LOCAL)
                return {"withdrawn": True}
    except KeyError as error:
        return {"error": f"the question has no {error}"}
    except (PolicyDeskError, StorageError, ConfigError, ValueError, TypeError, OverflowError) as error:
        return {"error": str(error)}
    return {"error": f"no such question: {message['op']!r}"}

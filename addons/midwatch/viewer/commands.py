"""mitmproxy commands about calls to models: `midwatch.conversation`, `midwatch.flows`, `midwatch.mark`."""

from collections.abc import Sequence

from mitmproxy import command, ctx, exceptions, flow, http
from mitmproxy.hooks import UpdateHook

from midwatch.viewer.conditions import condition_of
from midwatch.viewer.notes import note_of
from midwatch.viewer.reading import Reading

# Of a call that was asked for, and of which we have nothing to say.
_ASKED_FOR = ":mag:"


class Commands:
    """One idea: what was noted on flows can be asked for, where mitmproxy takes commands or keys are bound to them."""

    name = "midwatch_commands"

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    @command.command("midwatch.conversation")  # type: ignore[untyped-decorator]
    def conversation(self, flows: Sequence[flow.Flow]) -> Sequence[str]:
        """Show calls to models as conversations, what was asked and what was answered, line by line."""
        lines = [line for one in flows if isinstance(one, http.HTTPFlow) for line in self._told(one)]
        if not lines:
            raise exceptions.CommandError("none of these flows is a call to a model")
        return lines

    @command.command("midwatch.flows")  # type: ignore[untyped-decorator]
    def flows(self, flows: Sequence[flow.Flow], *conditions: str) -> Sequence[flow.Flow]:
        """Of these flows, those with a call that meets all conditions, such as provider=openai or cost>0.01."""
        found = [one for one in flows if _meets(one, conditions)]
        if not found:
            raise exceptions.CommandError("none of these flows is such a call to a model")
        return found

    @command.command("midwatch.mark")  # type: ignore[untyped-decorator]
    def mark(self, flows: Sequence[flow.Flow], *conditions: str) -> None:
        """Mark calls that meet all conditions; without any, those in which something was found or stopped."""
        marked = [one for one in flows if _meets(one, conditions) and (conditions or note_of(one).mark)]
        for one in marked:
            one.marked = note_of(one).mark or _ASKED_FOR
        ctx.master.addons.trigger(UpdateHook(marked))

    def _told(self, one: http.HTTPFlow) -> list[str]:
        sides = [self._reading.request(one), self._reading.response(one)]
        if one.websocket is not None:
            sides += [self._reading.message(one, message, pieces=False) for message in one.websocket.messages]
        told = "\n \n".join(side for side in sides if side)
        return [*filter(None, [note_of(one).line]), *told.split("\n"), " "] if told else []


def _meets(one: flow.Flow, words: Sequence[str]) -> bool:
    try:
        conditions = [condition_of(word) for word in words]
    except ValueError as error:
        raise exceptions.CommandError(str(error)) from error
    return isinstance(one, http.HTTPFlow) and any(
        all(condition(row) for condition in conditions) for row in note_of(one).rows
    )

"""Triaging findings: who may judge, on record; and the rule exception that a false positive suggests."""

import re
from dataclasses import dataclass
from datetime import timedelta

from midwatch_core.access.caller import Caller, Permission
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.clock import Clock
from midwatch_core.finding_listing import FindingRow
from midwatch_core.model.audit import AuditRecord
from midwatch_core.model.triage import Triage, TriageState
from midwatch_core.ports import MetadataRepository
from midwatch_core.queries import Queries

# Characters of a note, at most.
MAX_NOTE = 1000
# How long a proposed exception holds: a judgement of today is not one for ever.
_HOLDS = timedelta(days=90)
# What is no plain letter in a glob.
_SIGNS = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Triaging:
    """Judgements on findings. Operators and admins judge, each within its tenants."""

    queries: Queries
    metadata: MetadataRepository
    clock: Clock

    async def judge(self, caller: Caller, finding_id: str, state: TriageState, *, note: str = "") -> FindingRow | None:
        """Judge a finding; the finding as it stands now, None where there is none in scope.

        Raises AccessDeniedError, ValueError for a note that is too long, StorageError.
        """
        if not caller.may(Permission.OPERATE):
            raise AccessDeniedError(f"a key of the role {caller.role} judges no findings")
        if len(note) > MAX_NOTE:
            raise ValueError(f"a note has at most {MAX_NOTE:,} characters")
        queries = self.queries.within(caller.scope)
        found = await queries.finding(finding_id)
        if found is None:
            return None
        now = self.clock.now()
        details = {"state": state.value, "before": found.state, "rule": found.rule, "note": note}
        await self.metadata.append_audit(
            AuditRecord(
                at=now, actor=caller.name, action="triage", subject=found.id, details=details, tenant=found.tenant
            )
        )
        await self.metadata.keep_triage(
            Triage(
                finding_id=found.id,
                tenant=found.tenant,
                rule=found.rule,
                state=state,
                by=caller.name,
                at=now,
                note=note,
            )
        )
        return await queries.finding(finding_id)

    def exception_for(self, found: FindingRow) -> dict[str, object]:
        """A policy line's exception that would pass over findings like this one: `reason`, `expires`, `when`.

        As narrow as the finding tells: its rule, tenant and part, and its agent and model where it has them.
        """
        narrowing = {
            "rule": [found.rule],
            "tenant": [_itself(found.tenant)],
            "part": [found.part] if found.part else [],
            "agent": [_itself(found.agent)] if found.agent else [],
        }
        return {
            "reason": f"judged a false positive: {found.id}",
            "expires": (self.clock.now() + _HOLDS).date().isoformat(),
            "when": {key: value for key, value in narrowing.items() if value},
        }


def _itself(name: str) -> str:
    """A glob for this name alone: an agent may call itself `*`."""
    return _SIGNS.sub(r"[\g<0>]", name)

"""Rules as lines of a listing: what `rules list --json` prints and faces show. Names are stable: add, never rename."""

from midwatch_core.model.content import Json
from midwatch_core.rulepack.schema import PackHead, RuleSpec


def rule_row(spec: RuleSpec, head: PackHead, pack: str) -> dict[str, Json]:
    """A rule. `pack` is the pack's file, or the name that its plugin gave it; `id` begins with the pack's own id."""
    return {
        "id": f"{head.id}/{spec.id}",
        "severity": spec.severity.value,
        "confidence": spec.confidence,
        "category": spec.category,
        "owasp": list(spec.owasp),
        "title": spec.title,
        "pack": pack,
        "pack_id": head.id,
        "pack_version": head.version,
        "maturity": spec.maturity,
        "where": [part.value for part in spec.where],
        "examples": len(spec.examples.match) + len(spec.examples.pass_),
    }

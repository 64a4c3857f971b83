"""Evidence: it says what the stores have, of the order's tenant and period alone."""

from dataclasses import replace

import pytest

from midwatch_compliance.evidence import findings as findings_room
from midwatch_compliance.evidence.collecting import collect
from midwatch_compliance.evidence.model import Evidence
from midwatch_core import ReportError, StorageError, Triage, TriageState
from tests.plugins.compliance.conftest import NOW, Planted, counted, order


async def test_it_counts_the_calls_of_the_period(planted: Planted) -> None:
    evidence = await collect(planted.host, order())
    assert evidence.traffic.totals.calls == 5
    assert (evidence.traffic.refused, evidence.traffic.flagged, evidence.traffic.errors) == (2, 4, 0)
    assert {group.name: group.calls for group in evidence.traffic.by_model} == {"gpt-5-mini": 4, "claude-sonnet-4-5": 1}
    assert evidence.traffic.totals.input_tokens == sum(group.input_tokens for group in evidence.traffic.by_provider)


async def test_a_tenants_evidence_has_nothing_of_another(planted: Planted) -> None:
    evidence = await collect(planted.host, order("acme"))
    assert evidence.traffic.totals.calls == 4
    assert evidence.findings.total == 3
    assert {sample.tenant for sample in evidence.findings.samples} == {"acme"}
    assert evidence.hosts is not None
    assert {line.host for line in evidence.hosts.lines} == {"api.openai.com", "chat.example.cn"}
    assert evidence.keys is not None
    assert (evidence.keys.valid, evidence.keys.by_role) == (1, {"operator": 1})
    assert evidence.audit is not None
    assert evidence.audit.entries is None, "how many entries all have is not a tenant's to know"
    assert evidence.health is None
    nobody = await collect(planted.host, order("nobody"))
    assert (nobody.traffic.totals.calls, nobody.findings.total, nobody.findings.samples) == (0, 0, ())


async def test_findings_are_counted_by_category_owasp_and_what_was_done(planted: Planted) -> None:
    found = (await collect(planted.host, order())).findings
    assert (found.total, found.looked_at, found.cut) == (4, 4, False)
    assert counted(found.by_category, "prompt_injection") == 2
    assert {(row.name, row.action): row.findings for row in found.by_owasp} == {
        ("LLM01:2025", "allow"): 1,
        ("LLM01:2025", "block"): 1,
        ("LLM02:2025", "redact"): 1,
        ("LLM05:2025", "block"): 1,
        ("LLM06:2025", "block"): 1,
    }
    assert {sample.id for sample in found.samples} == {"f-1", "f-2", "f-3", "f-4"}
    assert all(sample.exchange_id for sample in found.samples)


async def test_it_says_where_it_did_not_look_at_all_findings(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings_room, "_PAGE", 1)
    monkeypatch.setattr(findings_room, "MAX_LOOKED_AT", 2)
    found = (await collect(planted.host, order())).findings
    assert (found.total, found.looked_at, found.cut) == (4, 2, True)


async def test_judgements_of_people_are_counted(planted: Planted) -> None:
    await planted.metadata.keep_triage(
        Triage(
            finding_id="f-1",
            tenant="acme",
            rule="midwatch/prompt-injection/ignore",
            state=TriageState.FALSE_POSITIVE,
            by="local",
            at=NOW,
        )
    )
    found = (await collect(planted.host, order("acme"))).findings
    assert counted(found.by_state, "false_positive") == 1
    assert counted(found.by_state, "open") == 2


async def test_services_are_counted_by_what_was_read_and_approved(planted: Planted) -> None:
    hosts = (await collect(planted.host, order())).hosts
    assert hosts is not None
    assert (hosts.services, hosts.read, hosts.unread, hosts.refused, hosts.shadow) == (3, 2, 1, 0, 1)
    assert hosts.lines[0].host == "chat.example.cn", "what nobody approved comes first"


async def test_the_installation_is_told_as_it_is(planted: Planted) -> None:
    planted.host.metrics.add("midwatch_journal_dropped_total", 2)
    evidence = await collect(planted.host, order())
    assert evidence.policy is not None
    assert evidence.policy.id == "balanced"
    assert evidence.keeping.retention_days == 30
    assert not evidence.keeping.texts_encrypted
    assert evidence.audit is not None
    assert (evidence.audit.verified, evidence.audit.entries) == (True, 2)
    assert evidence.audit.actions == {"key.create": 2}
    assert evidence.keys is not None
    assert (evidence.keys.valid, evidence.keys.never_expire, evidence.keys.calls_need_key) == (2, 1, False)
    assert evidence.limits is not None
    assert evidence.health is not None
    assert evidence.health.calls_dropped == 2


async def test_a_tenants_own_term_of_retention_counts(planted: Planted) -> None:
    assert (await collect(planted.host, order("acme"))).keeping.retention_days == 7
    assert (await collect(planted.host, order("lab"))).keeping.retention_days == 30


async def test_it_is_json_and_back(planted: Planted) -> None:
    evidence = await collect(planted.host, order())
    assert Evidence.model_validate_json(evidence.model_dump_json()) == evidence
    assert evidence.version == 1


async def test_a_store_that_fails_fails_the_evidence(planted: Planted) -> None:
    await planted.traces.close()
    with pytest.raises(StorageError):
        await collect(planted.host, order())
    with pytest.raises(ReportError, match="keeps no exchanges"):
        await collect(replace(planted.host, queries=None), order())

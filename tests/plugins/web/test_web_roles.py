"""Who may change what: every changing route with every role, and nobody anything of another tenant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import httpx
import pytest

from midwatch_core.access.administering import KeyWish
from midwatch_core.access.caller import LOCAL, Permission
from midwatch_core.alert_outbox import DeliveryState
from midwatch_core.incident_listing import IncidentFilter
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.tenant import Tenant
from midwatch_core.model.triage import TriageState
from midwatch_core.ports import Scope
from tests.addons.control.policy_rooms import own
from tests.plugins.web.conftest import NOW
from tests.plugins.web.kept_outbox import delivery
from tests.plugins.web.planted_alerts import alert_of
from tests.plugins.web.planted_calls import calls_of
from tests.plugins.web.served_routes import SIGNED, changing
from tests.plugins.web.whole_house import HOLDERS, Holder, Served, served_house

DONE = frozenset({200, 201, 202, 204, 303})
REFUSED = frozenset({403, 404, 409})
MAY = {
    AccessRole.CLIENT: {Permission.CALL},
    AccessRole.VIEWER: {Permission.CALL, Permission.READ},
    AccessRole.OPERATOR: {Permission.CALL, Permission.READ, Permission.OPERATE},
    AccessRole.ADMIN: set(Permission),
}
CALL, READ, OPERATE, ADMINISTER = Permission.CALL, Permission.READ, Permission.OPERATE, Permission.ADMINISTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that is sent: what it needs, and whether it is of the installation as a whole.

    `names`: it says whose it is to be in what is sent, and not by its path alone.
    """

    needs: Permission
    whole: bool = False
    names: bool = False
    form: Mapping[str, str] | None = None
    body: Any = field(default=None)

    def allowed(self, holder: Holder) -> bool:
        """Whether the role is enough, for what is of the holder's own tenant."""
        role, tenant = holder
        return self.needs in MAY[role] and not (self.whole and tenant is not None)


TEXT = own("flag")
PERIOD = {"since": "2026-11-01T00:00:00Z", "until": "2026-11-20T00:00:00Z"}
JUDGED = {"state": "acknowledged"}
SURE = {"sure": "yes"}
CALLED = {"provider": "openai", "model": "m", "messages": [{"role": "user", "content": "hello"}], "output": "hi"}
KEPT = {"fresh": "yes", "step": "keep"}
OLD_ORDER = {"report_type": "gdpr", "period_start": PERIOD["since"], "period_end": PERIOD["until"]}
OLD_KEY = {"tenant_id": "{tenant}", "name": "nightly", "role": "viewer"}
CHANGES: dict[tuple[str, str], Change] = {
    ("DELETE", "/api/v1/auth/keys/{key_id}"): Change(needs=ADMINISTER),
    ("DELETE", "/api/v1/keys/{key_id}"): Change(needs=ADMINISTER),
    ("DELETE", "/api/v1/tenants/{name}"): Change(needs=ADMINISTER, whole=True),
    ("DELETE", "/auth/keys/{key_id}"): Change(needs=ADMINISTER),
    ("PATCH", "/api/v1/tenants/{name}"): Change(needs=ADMINISTER, whole=True, body={"title": "changed"}),
    ("POST", "/access/keys"): Change(needs=ADMINISTER, names=True, form={"role": "client", "tenant": "{tenant}"}),
    ("POST", "/access/keys/{key_id}/revoke"): Change(needs=ADMINISTER, form={"sure": "yes"}),
    ("POST", "/access/keys/{key_id}/rotate"): Change(needs=ADMINISTER, form={"grace": "86400"}),
    ("POST", "/access/tenants"): Change(needs=ADMINISTER, whole=True, form={"name": "{fresh}", **KEPT}),
    ("POST", "/access/tenants/{name}/remove"): Change(needs=ADMINISTER, whole=True, form={"sure": "yes"}),
    ("POST", "/alerts/channels/{channel}/test"): Change(needs=OPERATE, whole=True, form=SURE),
    ("POST", "/alerts/deliveries/{delivery_id}/retry"): Change(needs=OPERATE, whole=True, form=SURE),
    ("POST", "/alerts/{incident_id}/acknowledge"): Change(needs=OPERATE, form=SURE),
    ("POST", "/api/v1/alerts/channels/{channel}/test"): Change(needs=OPERATE, whole=True, body={}),
    ("POST", "/api/v1/alerts/deliveries/{delivery_id}/retry"): Change(needs=OPERATE, whole=True, body={}),
    ("POST", "/api/v1/alerts/{incident_id}/acknowledge"): Change(needs=OPERATE, body={}),
    ("POST", "/api/v1/auth/keys"): Change(needs=ADMINISTER, names=True, body=OLD_KEY),
    ("POST", "/api/v1/findings/{finding_id}/triage"): Change(needs=OPERATE, body=JUDGED),
    ("POST", "/api/v1/ingest"): Change(needs=CALL, names=True, body={**CALLED, "tenant": "{tenant}"}),
    ("POST", "/api/v1/keys"): Change(needs=ADMINISTER, names=True, body={"role": "client", "tenant": "{tenant}"}),
    ("POST", "/api/v1/keys/{key_id}/rotate"): Change(needs=ADMINISTER, body={"grace_s": 60}),
    ("POST", "/api/v1/policies/check"): Change(needs=READ, whole=True, body={"text": TEXT}),
    ("POST", "/api/v1/policies/publish"): Change(needs=OPERATE, whole=True, body={"text": TEXT}),
    ("POST", "/api/v1/policies/roll_back"): Change(needs=OPERATE, whole=True, body={"version": 1}),
    ("POST", "/api/v1/policies/simulate"): Change(needs=READ, whole=True, body={"text": TEXT}),
    ("POST", "/api/v1/policies/withdraw"): Change(needs=OPERATE, whole=True, body={}),
    ("POST", "/api/v1/reports"): Change(
        needs=OPERATE, names=True, body={"kind": "gdpr", "tenant": "{tenant}", **PERIOD}
    ),
    ("POST", "/api/v1/reports/generate"): Change(needs=OPERATE, body=OLD_ORDER),
    ("POST", "/api/v1/scan"): Change(needs=CALL, body={"text": "hello"}),
    ("POST", "/api/v1/tenants"): Change(needs=ADMINISTER, whole=True, body={"name": "{fresh}"}),
    ("POST", "/auth/keys"): Change(needs=ADMINISTER, names=True, body=OLD_KEY),
    ("POST", "/findings/triage"): Change(needs=OPERATE, names=True, form={**JUDGED, "finding:{finding_id}": "on"}),
    ("POST", "/findings/{finding_id}/triage"): Change(needs=OPERATE, form=JUDGED),
    ("POST", "/policies/edit"): Change(needs=READ, whole=True, form={"text": TEXT, "step": "try"}),
    ("POST", "/policies/publish"): Change(needs=OPERATE, whole=True, form={"text": TEXT}),
    ("POST", "/policies/roll_back"): Change(needs=OPERATE, whole=True, form={"version": "1"}),
    ("POST", "/policies/withdraw"): Change(needs=OPERATE, whole=True, form={"sure": "yes"}),
    ("POST", "/reports"): Change(needs=OPERATE, form={"kind": "gdpr", "period": "7d", "tenant": "{tenant}"}),
    ("POST", "/reports/generate"): Change(needs=OPERATE, body=OLD_ORDER),
    ("POST", "/reports/{report_id}/again"): Change(needs=OPERATE, form={"sure": "yes"}),
    ("POST", "/rules/try"): Change(needs=READ, form={"text": "hello", "part": "user"}),
    ("POST", "/tenants"): Change(needs=ADMINISTER, whole=True, body={"name": "{fresh}"}),
}
# They change who the browser is, and nothing else.
SESSION = {("POST", "/signin"), ("POST", "/signout")}
EACH = [pytest.param(*key, id=" ".join(key)) for key in sorted(CHANGES)]
FRESH = count()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_house(tmp_path_factory.mktemp("house")) as served:
        yield served


@pytest.fixture(scope="module")
def web(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.address, trust_env=False, timeout=60) as client:
        yield client


def test_every_route_that_changes_something_is_here() -> None:
    assert set(changing()) - SESSION - {("POST", SIGNED)} == set(CHANGES), "a route is new or gone: say who may use it"


def spare_key(served: Served, tenant: str | None) -> str:
    """The id of a key that may go."""
    wish = KeyWish(role=AccessRole.CLIENT, tenant=tenant)
    return served.do(lambda: served.house.access.administration.create_key(LOCAL, wish)).key.id


def spare_tenant(served: Served) -> str:
    """The name of a tenant that may go."""
    name = f"spare-{next(FRESH)}"
    served.do(lambda: served.house.access.administration.add_tenant(LOCAL, Tenant(name=name, created_at=NOW)))
    return name


def spare_alert(served: Served, tenant: str) -> str:
    """The id of an alert of a tenant that nobody has taken on."""
    given = replace(alert_of(tenant), fingerprint=f"spare-{next(FRESH)}")

    async def made() -> str:
        served.house.incidents.raise_alert(given)
        await served.house.incidents.settle(5.0)
        return next(one.id for one in served.house.incidents.open() if one.fingerprint == given.fingerprint)

    return served.do(made)


def spare_message(served: Served) -> str:
    """The id of a message that was given up."""
    made = delivery(f"spare-{next(FRESH)}", state=DeliveryState.DEAD)
    served.house.outbox.kept.append(made)
    return made.id


def publish_another(served: Served) -> None:
    """Another policy than any before: there is one to be withdrawn, and an earlier one to go back to."""
    text = own("block") + f"# {next(FRESH)}\n"
    served.do(lambda: served.house.desks.policies.desk.publish(LOCAL, text))


def told(served: Served, tenant: str, name: str) -> dict[str, str]:
    """What stands for the names in a path and in what is sent: of a tenant, and a tenant that may go."""
    return {
        "tenant": tenant,
        "name": name,
        "fresh": f"fresh-{next(FRESH)}",
        "key_id": spare_key(served, tenant),
        "finding_id": calls_of(tenant)[1].findings[0].id,
        "report_id": served.house.reports[tenant],
        "incident_id": spare_alert(served, tenant),
        "channel": "on-call",
        "delivery_id": spare_message(served),
    }


def filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(names) if value.startswith("{") and value.endswith("}") else value
    if isinstance(value, dict):
        return {name.replace("{finding_id}", names["finding_id"]): filled(item, names) for name, item in value.items()}
    return [filled(item, names) for item in value] if isinstance(value, list) else value


def send(web: httpx.Client, served: Served, key: tuple[str, str], holder: Holder, names: Mapping[str, str]) -> int:
    """Send a change as a holder would; how it was answered."""
    (method, path), change = key, CHANGES[key]
    sent: dict[str, Any] = {"data": dict(filled(change.form, names))} if change.form is not None else {}
    if change.body is not None:
        sent = {"json": filled(change.body, names)}
    headers = {"X-Midwatch-Key": served.key(*holder)}
    return web.request(method, path.format_map(names), headers=headers, **sent).status_code


async def _kept(served: Served, tenants: frozenset[str] | None) -> list[Any]:
    metadata = served.house.storage.metadata
    scope = Scope(tenants=tenants)
    findings = [found.id for name in tenants or () for call in calls_of(name) for found in call.findings]
    return [
        await metadata.tenants(),
        [key for key in await metadata.keys() if tenants is None or key.tenant is None or key.tenant in tenants],
        await metadata.triage(scope, findings),
        await metadata.reports(scope, limit=1000),
        await metadata.policy_versions("own", limit=1000),
        (await metadata.incidents(scope, IncidentFilter(), limit=1000)).incidents,
        list(served.house.outbox.kept),
    ]


def kept(served: Served, tenants: frozenset[str] | None = None) -> list[Any]:
    """All that can be changed; of some tenants and the installation, or of all."""
    return served.do(lambda: _kept(served, tenants))


@pytest.mark.parametrize(("method", "path"), EACH)
def test_a_role_that_is_not_enough_is_refused_and_changes_nothing(
    served: Served, web: httpx.Client, method: str, path: str
) -> None:
    change, names = CHANGES[method, path], told(served, "acme", spare_tenant(served))
    before = kept(served)
    for holder in HOLDERS:
        if not change.allowed(holder):
            assert send(web, served, (method, path), holder, names) == 403, holder
    assert kept(served) == before


@pytest.mark.parametrize(("method", "path"), EACH)
def test_a_role_that_is_enough_does_it(served: Served, web: httpx.Client, method: str, path: str) -> None:
    for holder in HOLDERS:
        if CHANGES[method, path].allowed(holder):
            publish_another(served)
            names = told(served, "acme", spare_tenant(served))
            assert send(web, served, (method, path), holder, names) in DONE, holder
            while served.do(_making(served)):
                pass


def _making(served: Served) -> Any:
    """Make one of the reports that were ordered; whether there was one."""
    reports = served.house.desks.reports

    async def made() -> bool:
        if not any(report.state == "pending" for report in await reports.reports(LOCAL)):
            return False
        await reports.make_next()
        return True

    return made


@pytest.mark.parametrize(("method", "path"), EACH)
def test_no_key_of_a_tenant_changes_anything_of_another(
    served: Served, web: httpx.Client, method: str, path: str
) -> None:
    change, names = CHANGES[method, path], told(served, "lab", "lab")
    before = kept(served, frozenset({"lab", "default"}))
    for holder in HOLDERS:
        if holder[1] == "acme":
            status = send(web, served, (method, path), holder, names)
            if change.names or "{" in path:
                assert status in REFUSED or path == "/findings/triage", holder
    assert kept(served, frozenset({"lab", "default"})) == before


def test_a_judgement_of_many_passes_over_another_s(served: Served, web: httpx.Client) -> None:
    theirs, ours = (calls_of(name)[1].findings[1].id for name in ("lab", "acme"))
    form = {"state": "false_positive", f"finding:{theirs}": "on", f"finding:{ours}": "on"}
    headers = {"X-Midwatch-Key": served.key(AccessRole.OPERATOR, "acme")}
    assert web.post("/findings/triage", data=form, headers=headers).headers["location"].endswith("judged=1")
    judged = served.do(lambda: served.house.storage.metadata.triage(Scope(), [theirs, ours]))
    assert [(item.finding_id, item.state) for item in judged] == [(ours, TriageState.FALSE_POSITIVE)]

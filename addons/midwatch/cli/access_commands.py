"""The commands of access: `tenants`, `keys`, `audit`. As in `app`, each imports what it needs when it runs."""

from typing import Annotated, Any

import typer

from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of, pass_on

tenants_app = typer.Typer(help="Tenants: list, add, set, remove.", invoke_without_command=True)
keys_app = typer.Typer(help="Keys: list, create, rotate, revoke.", invoke_without_command=True)
audit_app = typer.Typer(help="The audit log: list, verify.", invoke_without_command=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]
TitleOption = Annotated[str | None, typer.Option("--title", help="What people call it.")]
NetworksOption = Annotated[
    list[str] | None, typer.Option("--network", help="Clients of this CIDR range are its own; repeatable.")
]
ProviderKeysOption = Annotated[
    list[str] | None,
    typer.Option("--provider-key", help="Fingerprint of its key at a provider (tenants fingerprint); repeatable."),
]
CertificatesOption = Annotated[
    list[str] | None, typer.Option("--certificate", help="Subject of its clients' certificate; repeatable.")
]
RetentionOption = Annotated[
    float | None, typer.Option("--retention-days", min=0, help="Days its calls are kept; 0 as long as all others'.")
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The key's beginning, such as mw_k3f9x2ab.")]


@tenants_app.callback()
def tenants(
    context: typer.Context, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """List tenants."""
    return 0 if pass_on(context) else tenants_list(home, config, json)


@tenants_app.command("list")
def tenants_list(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """List tenants, and by what their calls are known."""
    from midwatch.cli.tenants import list_tenants

    return list_tenants(home_of(home), config, as_json=json)


@tenants_app.command("add")
def tenants_add(
    name: NameArgument,
    title: TitleOption = None,
    network: NetworksOption = None,
    provider_key: ProviderKeysOption = None,
    certificate: CertificatesOption = None,
    retention_days: RetentionOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Add a tenant."""
    from midwatch.cli.tenants import keep_tenant

    told = _told(title, network, provider_key, certificate, retention_days)
    return keep_tenant(home_of(home), config, name, told, fresh=True, as_json=json)


@tenants_app.command("set")
def tenants_set(
    name: NameArgument,
    title: TitleOption = None,
    network: NetworksOption = None,
    provider_key: ProviderKeysOption = None,
    certificate: CertificatesOption = None,
    retention_days: RetentionOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Change a tenant: what is given replaces what was there ('' for none); what is not given stays."""
    from midwatch.cli.tenants import keep_tenant

    told = _told(title, network, provider_key, certificate, retention_days)
    return keep_tenant(home_of(home), config, name, told, fresh=False, as_json=json)


@tenants_app.command("remove")
def tenants_remove(
    name: NameArgument, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """Forget a tenant and revoke its keys; its calls are kept as long as all others'."""
    from midwatch.cli.tenants import remove_tenant

    return remove_tenant(home_of(home), config, name, as_json=json)


@tenants_app.command("fingerprint")
def tenants_fingerprint(home: HomeOption = None, json: JsonOption = False) -> int:
    """Print the fingerprint of a provider's key that is given on standard input; the key is kept nowhere."""
    from midwatch.cli.tenants import print_fingerprint

    return print_fingerprint(home_of(home), as_json=json)


@keys_app.callback()
def keys(context: typer.Context, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """List keys."""
    return 0 if pass_on(context) else keys_list(home, config, json)


@keys_app.command("list")
def keys_list(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """List keys: whose, for what, until when. Never the keys themselves."""
    from midwatch.cli.keys import list_keys

    return list_keys(home_of(home), config, as_json=json)


@keys_app.command("create")
def keys_create(
    role: Annotated[
        str, typer.Option(help="client sends calls; viewer also reads; operator changes policy; admin all.")
    ] = "client",
    tenant: Annotated[
        str | None, typer.Option(help="Whose it is; not given, it is the installation's and sees all tenants.")
    ] = None,
    label: Annotated[str, typer.Option(help="What people know it by.")] = "",
    agent: Annotated[str | None, typer.Option(help="The agent that calls with it.")] = None,
    expires: Annotated[str | None, typer.Option(help="Until when: 90d from now, or a moment in ISO 8601.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Make a key, and print it: once."""
    from midwatch.cli.keys import create_key, expiry

    wish = {"role": role, "tenant": tenant, "label": label, "agent": agent, "expires_at": expiry(expires)}
    return create_key(home_of(home), config, wish, as_json=json)


@keys_app.command("rotate")
def keys_rotate(
    key_id: IdArgument,
    grace: Annotated[str, typer.Option(help="How long the old one stays valid, such as 30m, 24h, 0s.")] = "24h",
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Make a key in place of another, and print it: once."""
    from midwatch.cli.keys import rotate_key

    return rotate_key(home_of(home), config, key_id, grace, as_json=json)


@keys_app.command("revoke")
def keys_revoke(
    key_id: IdArgument, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """End a key, now and for good."""
    from midwatch.cli.keys import revoke_key

    return revoke_key(home_of(home), config, key_id, as_json=json)


@audit_app.callback()
def audit(
    context: typer.Context, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """List the newest entries of the audit log."""
    return 0 if pass_on(context) else audit_list(home=home, config=config, json=json)


@audit_app.command("list")
def audit_list(
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    tenant: Annotated[str | None, typer.Option(help="Only what concerns this tenant.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """List who did what, newest first."""
    from midwatch.cli.audit import list_audit

    return list_audit(home_of(home), config, limit=limit, tenant=tenant, as_json=json)


@audit_app.command("verify")
def audit_verify(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Check that no entry of the audit log was changed, removed or added: 1 where one was."""
    from midwatch.cli.audit import verify_audit

    return verify_audit(home_of(home), config, as_json=json)


def _told(
    title: str | None,
    networks: list[str] | None,
    provider_keys: list[str] | None,
    certificates: list[str] | None,
    retention_days: float | None,
) -> dict[str, Any]:
    """What was said of a tenant; an empty word in a list is none."""
    told: dict[str, Any] = {
        name: [word for word in words if word]
        for name, words in (
            ("networks", networks),
            ("provider_keys", provider_keys),
            ("certificates", certificates),
        )
        if words
    }
    if title is not None:
        told["title"] = title
    if retention_days is not None:
        told["retention_days"] = retention_days or None
    return told

"""The commands of exchanges: `traces`. As in `app`, each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of, pass_on

traces_app = typer.Typer(
    help="Exchanges: a listing, one in full, two compared, an export.", invoke_without_command=True
)

ModelOption = Annotated[str | None, typer.Option(help="Only this model.")]
ProviderOption = Annotated[str | None, typer.Option(help="Only this provider.")]
AppOption = Annotated[str | None, typer.Option("--app", help="Only this application.")]
StatusOption = Annotated[int | None, typer.Option(help="Only this HTTP status.")]
SinceOption = Annotated[str | None, typer.Option(help="From this moment on, ISO 8601 or like 2h, 7d.")]
TraceOption = Annotated[str | None, typer.Option(help="Only this trace.")]
TenantOption = Annotated[str | None, typer.Option(help="Only this tenant.")]
AgentOption = Annotated[str | None, typer.Option(help="Only this agent.")]
KeyOption = Annotated[str | None, typer.Option(metavar="ID", help="Only calls by this key.")]
UserOption = Annotated[str | None, typer.Option(help="Only this user.")]
ClientOption = Annotated[str | None, typer.Option(help="Only this client address.")]
TextOption = Annotated[str | None, typer.Option(help="Only with this in a text, whatever its case.")]


@traces_app.callback()
def traces(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    model: ModelOption = None,
    provider: ProviderOption = None,
    app_name: AppOption = None,
    status: StatusOption = None,
    since: SinceOption = None,
    trace: TraceOption = None,
    tenant: TenantOption = None,
    agent: AgentOption = None,
    key: KeyOption = None,
    user: UserOption = None,
    client: ClientOption = None,
    text: TextOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """List exchanges, newest first."""
    if pass_on(context):
        return 0
    from midwatch.cli.listing import list_exchanges, moment

    wanted = {"model": model, "provider": provider, "app": app_name, "status": status, "trace_id": trace}
    wanted |= {"tenant": tenant, "agent": agent, "key_id": key, "user": user, "client": client, "text": text}
    wanted["since"] = moment(since)
    return list_exchanges(home_of(home), config, wanted, limit=limit, as_json=json)


@traces_app.command("show")
def traces_show(
    exchange_id: Annotated[str, typer.Argument(metavar="ID")],
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Show one exchange as a conversation."""
    from midwatch.cli.showing import show_exchange

    return show_exchange(home_of(home), config, exchange_id, as_json=json)


@traces_app.command("tree")
def traces_tree(
    trace_id: Annotated[str, typer.Argument(metavar="TRACE")],
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Show a conversation: its calls, what branched off, and the tools that ran in between."""
    from midwatch.cli.tracing import show_trace

    return show_trace(home_of(home), config, trace_id, as_json=json)


@traces_app.command("diff")
def traces_diff(
    before: Annotated[str, typer.Argument(metavar="ID")],
    after: Annotated[str, typer.Argument(metavar="ID")],
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Show what a request changed against an earlier one, and where the prompt cache stopped holding."""
    from midwatch.cli.comparing import compare

    return compare(home_of(home), config, before, after, as_json=json)


@traces_app.command("export")
def traces_export(
    har: Annotated[bool, typer.Option("--har", help="A HAR file, as browsers' developer tools open it.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One exchange a line, as it is kept: the default.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; default standard output.", dir_okay=False)
    ] = None,
    model: ModelOption = None,
    provider: ProviderOption = None,
    app_name: AppOption = None,
    status: StatusOption = None,
    since: SinceOption = None,
    trace: TraceOption = None,
    tenant: TenantOption = None,
    agent: AgentOption = None,
    key: KeyOption = None,
    user: UserOption = None,
    client: ClientOption = None,
    text: TextOption = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Write exchanges with their texts as they are kept, oldest first; `replay` reads them again."""
    if har and jsonl:
        raise typer.BadParameter("--har or --jsonl, not both")
    from midwatch.cli.exporting import export
    from midwatch.cli.listing import moment

    wanted = {"model": model, "provider": provider, "app": app_name, "status": status, "trace_id": trace}
    wanted |= {"tenant": tenant, "agent": agent, "key_id": key, "user": user, "client": client, "text": text}
    wanted["since"] = moment(since)
    return export(home_of(home), config, wanted, as_har=har, output=output)

"""The commands of the inventory: `hosts`. As in `app`, each imports what it needs when it runs."""

from typing import Annotated, Any

import typer

from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of, pass_on

hosts_app = typer.Typer(
    help="AI services that were talked to, read or not; pinned clients.", invoke_without_command=True
)


@hosts_app.callback()
def hosts(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, the last seen first.")] = 1000,
    since: Annotated[str | None, typer.Option(help="Seen from this moment on, ISO 8601 or like 2h, 7d.")] = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="Only shadow AI: what nobody approved.")] = False,
    client: Annotated[str | None, typer.Option(help="Only this client address.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """List AI services that were talked to, and by whom."""
    if pass_on(context):
        return 0
    from midwatch.cli.hosts import list_hosts
    from midwatch.cli.listing import moment

    wanted: dict[str, Any] = {"since": moment(since), "client": client, "known": False if unknown else None}
    told = {key: value for key, value in wanted.items() if value is not None}
    return list_hosts(home_of(home), config, told, limit=limit, as_json=json)


@hosts_app.command("pinned")
def hosts_pinned(home: HomeOption = None, json: JsonOption = False) -> int:
    """List clients that refused our certificate: they pass unread for a time."""
    from midwatch.cli.hosts import list_pinned

    return list_pinned(home_of(home), as_json=json)


@hosts_app.command("unpin")
def hosts_unpin(
    host: Annotated[str | None, typer.Argument(metavar="[HOST]", help="Only for this host.")] = None,
    client: Annotated[str | None, typer.Option(help="Only of this client address.")] = None,
    home: HomeOption = None,
) -> int:
    """Forget clients that refused our certificate, once they trust the CA: they are read again."""
    from midwatch.cli.hosts import unpin

    return unpin(home_of(home), host, client)

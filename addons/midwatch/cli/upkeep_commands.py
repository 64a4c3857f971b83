"""The commands of upkeep: `plugins`, `migrate`. As in `app`, each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of, pass_on

plugins_app = typer.Typer(help="Plugins: what is there, how it does; begin your own.", invoke_without_command=True)


@plugins_app.callback()
def plugins(
    context: typer.Context, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """List plugins: state, calls, time, errors."""
    return 0 if pass_on(context) else plugins_list(home, config, json)


@plugins_app.command("list")
def plugins_list(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """List plugins: version, hooks, state, where each runs, calls, time, errors."""
    from midwatch.cli.plugins import list_plugins

    return list_plugins(home_of(home), config, as_json=json)


@plugins_app.command("new")
def plugins_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as acme-words.")],
    directory: Annotated[Path, typer.Option("--dir", help="Where the project's folder is made.")] = Path(),
) -> int:
    """Write a plugin project that passes its tests at once."""
    from midwatch.cli.plugins import new_plugin

    return new_plugin(name, directory)


migrate_app = typer.Typer(help="The stores' schemas: how they stand, forward, back.", no_args_is_help=True)
OnlyOption = Annotated[str | None, typer.Option("--only", help="One store: traces or metadata.")]


@migrate_app.command("status")
def migrate_status(
    only: OnlyOption = None, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """Show how each store's schema stands."""
    from midwatch.cli.migrate import show_status

    return show_status(home_of(home), config, only=only, as_json=json)


@migrate_app.command("check")
def migrate_check(
    only: OnlyOption = None, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """The same, for scripts: 1 where something is pending or wrong."""
    from midwatch.cli.migrate import check

    return check(home_of(home), config, only=only, as_json=json)


@migrate_app.command("up")
def migrate_up(
    only: OnlyOption = None, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False
) -> int:
    """Bring the schemas up to date."""
    from midwatch.cli.migrate import up

    return up(home_of(home), config, only=only, as_json=json)


@migrate_app.command("down")
def migrate_down(
    to: Annotated[str | None, typer.Option("--to", metavar="REVISION", help="A revision, or nothing.")] = None,
    only: OnlyOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Meant: what later revisions brought is removed.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Go back to a revision, or to nothing."""
    from midwatch.cli.migrate import down

    return down(home_of(home), config, only=only, to=to, sure=yes, as_json=json)

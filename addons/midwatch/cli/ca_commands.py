"""The commands of the CA: `ca`. As in `app`, each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of, pass_on

ca_app = typer.Typer(help="The CA: what clients trust, your own, the next one.", invoke_without_command=True)

OverlapOption = Annotated[
    float, typer.Option("--overlap", metavar="DAYS", min=0, max=3650, help="Days it is published before it signs.")
]


@ca_app.callback()
def ca(context: typer.Context, home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Where the CA is, and how each system and runtime is told to trust it."""
    if pass_on(context):
        return 0
    from midwatch.cli.ca import explain_ca

    return explain_ca(home_of(home), config, as_json=json)


@ca_app.command("show")
def ca_show(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Show each CA: the one in use, the next one, those still trusted."""
    from midwatch.cli.ca_changing import show

    return show(home_of(home), config, as_json=json)


@ca_app.command("import")
def ca_import(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="PEM: the CA's key, its certificate, its chain to the root.")
    ],
    overlap: OverlapOption = 0,
    passphrase: Annotated[
        Path | None, typer.Option("--passphrase-file", help="A file with the passphrase of the key.")
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Sign with a CA of your own: a root, or an intermediate with its chain. A bad one changes nothing."""
    from midwatch.cli.ca_changing import import_

    return import_(home_of(home), config, files, overlap_days=overlap, passphrase=passphrase)


@ca_app.command("rotate")
def ca_rotate(overlap: OverlapOption = 14, home: HomeOption = None, config: ConfigOption = None) -> int:
    """Make the next CA. It signs when the overlap is over; until then clients get to know it."""
    from midwatch.cli.ca_changing import rotate

    return rotate(home_of(home), config, overlap_days=overlap)


@ca_app.command("retire")
def ca_retire(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As `ca show` names them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are trusted from before.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Stop publishing a CA from before; or one that waits, which then never signs."""
    from midwatch.cli.ca_changing import retire_old

    return retire_old(home_of(home), config, ids or (), everything=everything)


@ca_app.command("trust")
def ca_trust(
    system: Annotated[bool, typer.Option("--system", help="This system's store.")] = False,
    runtime: Annotated[list[str] | None, typer.Option(help="java, git, node, python, curl, …; repeatable.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="This system and every runtime.")] = False,
    do: Annotated[bool, typer.Option("--do/--print", help="Run the commands, or only show them.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take the CA away again.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Have the CA trusted: prints the commands, or runs them. Retired CAs go at the same time."""
    from midwatch.cli.ca_trusting import Wanted, trust

    wanted = Wanted(system=system, runtimes=runtime or (), everything=everything, undo=undo)
    return trust(home_of(home), config, wanted, do=do, as_json=json)


@ca_app.command("export")
def ca_export(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Standard output if not given.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="pem; bundle: beside the public CAs; der: the one in use; java: a store.")
    ] = "pem",
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Write what clients are to trust. Never a key."""
    from midwatch.cli.ca_exporting import export

    return export(home_of(home), config, file, form)

"""The commands. Each imports what it needs when it runs: a listing must not wait for a proxy's imports."""

from pathlib import Path
from typing import Annotated, Any

import typer

from midwatch import __version__
from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of


def _end(code: object, **_: object) -> None:
    """What a command returns is the exit code."""
    raise typer.Exit(code if isinstance(code, int) else 0)


app = typer.Typer(
    name="midwatch",
    result_callback=_end,
    help="A watch in the middle of LLM traffic. Without a command: start.",
    no_args_is_help=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"midwatch {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def start(
    listen: Annotated[str | None, typer.Option(help="Where the proxy listens, HOST:PORT.")] = None,
    console: Annotated[str | None, typer.Option(help="Where console, REST and metrics listen, HOST:PORT.")] = None,
    mode: Annotated[
        list[str] | None, typer.Option(help="mitmproxy's modes: regular, reverse:URL, …; repeatable.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Proxy processes.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Start the proxy, the store and the console."""
    from midwatch.cli.start import start_and_serve

    flags: dict[str, Any] = {"listen": listen, "console": console, "mode": mode or None, "workers": workers}
    return start_and_serve(home_of(home), config, {key: value for key, value in flags.items() if value is not None})


@app.command()
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave proxy and console running at the end, until Ctrl-C.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """See it work: simulated providers, real client libraries, no key, no network."""
    from midwatch.demo import run_demo

    return run_demo(keep=keep, as_json=json)


@app.command("exec", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def exec_(
    command: Annotated[list[str], typer.Argument(help="The command and its words, after --.")],
    app_name: Annotated[str | None, typer.Option("--app", help="The application's name in the record.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Run a command with its LLM calls watched: proxy and CA variables are set for it alone."""
    from midwatch.cli.execute import execute

    return execute(command, home_of(home), config, app_name)


traces_app = typer.Typer(help="Exchanges: a listing, or one in full.", invoke_without_command=True)
app.add_typer(traces_app, name="traces")


@traces_app.callback()
def traces(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    app_name: Annotated[str | None, typer.Option("--app", help="Only this application.")] = None,
    status: Annotated[int | None, typer.Option(help="Only this HTTP status.")] = None,
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601 or like 2h, 7d.")] = None,
    trace: Annotated[str | None, typer.Option(help="Only this trace.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """List exchanges, newest first."""
    if context.invoked_subcommand is not None:
        return 0
    from midwatch.cli.listing import list_exchanges, moment

    wanted = {"model": model, "provider": provider, "app": app_name, "status": status, "trace_id": trace}
    return list_exchanges(home_of(home), config, {**wanted, "since": moment(since)}, limit=limit, as_json=json)


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


@app.command()
def costs(
    by: Annotated[
        str, typer.Option(help="Group by: day, hour, tenant, provider, model, app, agent; comma-separated.")
    ] = "model",
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601 or like 2h, 7d.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Sum up calls, tokens and cost."""
    from midwatch.cli.listing import list_costs, moment

    return list_costs(home_of(home), config, by.split(","), moment(since), as_json=json)


@app.command()
def tail(home: HomeOption = None, json: JsonOption = False) -> int:
    """Follow exchanges as they are stored, until Ctrl-C."""
    from midwatch.cli.listing import follow

    return follow(home_of(home), as_json=json)


@app.command()
def doctor(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Check the installation: CA, ports, clock, store, plugins."""
    from midwatch.cli.doctor import examine

    return examine(home_of(home), config, as_json=json)


@app.command()
def ca(home: HomeOption = None, json: JsonOption = False) -> int:
    """Where the CA is, and how each system and runtime is told to trust it."""
    from midwatch.cli.ca import explain_ca

    return explain_ca(home_of(home), as_json=json)


@app.command()
def plugins(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """List plugins: version, hooks, errors."""
    from midwatch.cli.doctor import list_plugins

    return list_plugins(home_of(home), config, as_json=json)


def own_commands() -> set[str]:
    """The names of the commands above."""
    single = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    return single | {str(group.name) for group in app.registered_groups}


@app.command()
def scan(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts; standard input if none.")
    ] = None,
    jsonl: Annotated[
        str | None, typer.Option(help='Lines of {"text": …, "where": …}; - is standard input. One answer a line.')
    ] = None,
    where: Annotated[str, typer.Option(help="Which part of an exchange a text is.")] = "user",
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Run the detection engine on texts."""
    from midwatch.cli.scan import scan as scan_texts

    return scan_texts(home_of(home), config, texts or [], jsonl, where, as_json=json)


rules_app = typer.Typer(help="Rule packs: list, check, schema.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")


@rules_app.command("list")
def rules_list(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """List every rule of every pack."""
    from midwatch.cli.rules import list_rules

    return list_rules(home_of(home), config, as_json=json)


@rules_app.command("check")
def rules_check(
    places: Annotated[list[Path], typer.Argument(metavar="PLACE...", help="Packs, or folders of *.rules.yaml.")],
) -> int:
    """Check packs: form, time of patterns, their own examples."""
    from midwatch.cli.rules import check_packs

    return check_packs(places)


@rules_app.command("schema")
def rules_schema() -> int:
    """Print the JSON Schema of packs."""
    from midwatch.cli.rules import print_schema

    return print_schema()


@rules_app.command("test")
def rules_test(
    text: Annotated[str, typer.Argument()],
    where: Annotated[str, typer.Option(help="Which part of an exchange it is.")] = "user",
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Try a text on all detectors: the same as `scan`."""
    from midwatch.cli.scan import scan as scan_texts

    return scan_texts(home_of(home), config, [text], None, where, as_json=False)

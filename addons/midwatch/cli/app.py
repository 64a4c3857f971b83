"""The commands. Each imports what it needs when it runs: a listing must not wait for a proxy's imports."""

from pathlib import Path
from typing import Annotated, Any

import typer

from midwatch import __version__
from midwatch.cli.access_commands import audit_app, keys_app, tenants_app
from midwatch.cli.ca_commands import ca_app
from midwatch.cli.detection_commands import policy_app, rules_app
from midwatch.cli.host_commands import hosts_app
from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of
from midwatch.cli.report_commands import report_app
from midwatch.cli.trace_commands import traces_app
from midwatch.cli.upkeep_commands import migrate_app, plugins_app


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
    policy: Annotated[
        str | None, typer.Option(help="What is done about findings: observe, balanced, strict, or a YAML file.")
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Start the proxy, the store and the console."""
    from midwatch.cli.start import start_and_serve

    flags: dict[str, Any] = {
        "listen": listen,
        "console": console,
        "mode": mode or None,
        "workers": workers,
        "policy": policy,
    }
    return start_and_serve(home_of(home), config, {key: value for key, value in flags.items() if value is not None})


@app.command()
def reload(
    restart: Annotated[
        bool, typer.Option("--restart", help="Replace all processes, as after an upgrade of the packages.")
    ] = False,
    home: HomeOption = None,
) -> int:
    """Read settings, prices, rules and policy anew; replace workers where only a start can. No call fails for it."""
    from midwatch.cli.reload import reload as reload_home

    return reload_home(home_of(home), restart=restart)


@app.command()
def web(
    console: Annotated[str | None, typer.Option(help="Where console, REST and metrics listen, HOST:PORT.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Serve the console alone, over stores that other nodes fill.

    It shows and administers all there is. It takes no calls, tails nothing, and needs a home of its own.
    """
    from midwatch.cli.web import serve_console

    return serve_console(home_of(home), config, {"console": console} if console is not None else {})


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
    """Run a command with its LLM calls watched: proxy and CA variables are set for it alone.

    A key in MIDWATCH_KEY says whose calls they are.
    """
    from midwatch.cli.execute import execute

    return execute(command, home_of(home), config, app_name)


@app.command()
def replay(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="HAR files, flows of mitmproxy's, exports of traces.")
    ],
    tenant: Annotated[
        str | None, typer.Option(help="Whose calls they are; default the tenant of unclaimed ones.")
    ] = None,
    app_name: Annotated[str | None, typer.Option("--app", help="The application that made them.")] = None,
    agent: Annotated[str | None, typer.Option(help="The agent that made them.")] = None,
    user: Annotated[str | None, typer.Option(help="The user who made them.")] = None,
    client: Annotated[str | None, typer.Option(help="The client address they came from.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read them, and say what they hold.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Read recorded calls into the store as if they had just passed, at the moments they had.

    Twice is once: calls that are there already stay as they are. 1 where entries are broken; the others are stored.
    """
    from midwatch.cli.replaying import replay as replay_files

    said = {"tenant": tenant, "app": app_name, "agent": agent, "user": user, "client": client}
    given = {name: value for name, value in said.items() if value}
    return replay_files(home_of(home), config, files, given, dry_run=dry_run, as_json=json)


@app.command()
def costs(
    by: Annotated[
        str,
        typer.Option(help="Group by: day, hour, tenant, provider, model, app, agent, key_id, user; comma-separated."),
    ] = "model",
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601 or like 2h, 7d.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Sum up calls, tokens and cost."""
    from midwatch.cli.listing import list_costs, moment

    wanted = {"tenant": tenant, "since": moment(since)}
    return list_costs(home_of(home), config, by.split(","), wanted, as_json=json)


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
def scan(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts; standard input if nothing is given.")
    ] = None,
    file: Annotated[list[str] | None, typer.Option(help="A file of text; - is standard input. Repeatable.")] = None,
    jsonl: Annotated[
        str | None, typer.Option(help='Lines of {"text": …, "where": …}; - is standard input. One answer a line.')
    ] = None,
    where: Annotated[str, typer.Option(help="Which part of an exchange a text is.")] = "user",
    policy: Annotated[
        str | None, typer.Option(help="The policy that says what is done, by name or file; default the configured one.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Why: each line of the policy, for each finding.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Run the detection engine on texts: 1 where something is found. --jsonl ends with 0 when all is answered."""
    from midwatch.cli.scan import Asked
    from midwatch.cli.scan import scan as scan_texts

    asked = Asked(
        texts=texts or (), files=file or (), jsonl=jsonl, where=where, policy=policy, explain=explain, as_json=json
    )
    return scan_texts(home_of(home), config, asked)


@app.command()
def findings(
    limit: Annotated[int, typer.Option(min=1, help="How many, those of the newest calls first.")] = 100,
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601 or like 2h, 7d.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category: prompt_injection, secret, pii, …")] = None,
    severity: Annotated[str | None, typer.Option(help="This severity and above.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    trace: Annotated[str | None, typer.Option(help="Only this trace.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """List what detectors saw in the calls that are kept."""
    from midwatch.cli.findings import list_findings, severity_of
    from midwatch.cli.listing import moment

    wanted = {
        "since": moment(since),
        "category": category,
        "severity": severity_of(severity),
        "tenant": tenant,
        "trace_id": trace,
    }
    return list_findings(home_of(home), config, wanted, limit=limit, as_json=json)


@app.command()
def forget(
    user: Annotated[str | None, typer.Option(help="Of this user.")] = None,
    key: Annotated[str | None, typer.Option(metavar="ID", help="Sent with this key, such as mw_k3f9x2ab.")] = None,
    client: Annotated[str | None, typer.Option(help="From this client's address.")] = None,
    agent: Annotated[str | None, typer.Option(help="Of this agent.")] = None,
    app_name: Annotated[str | None, typer.Option("--app", help="Of this application.")] = None,
    trace: Annotated[str | None, typer.Option(help="Of this trace.")] = None,
    session: Annotated[
        str | None, typer.Option(help="Of this session, as its client calls it: all its traces.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="With this in a text, whatever its case; not where texts are encrypted.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant.")] = None,
    before: Annotated[str | None, typer.Option(help="Before this moment, ISO 8601 or like 2h, 7d.")] = None,
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601 or like 2h, 7d.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Meant: do not ask.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Forget exchanges for good, with their texts: those for which all that is given holds.

    Not reached: calls under way, other nodes' journals, dead letters (journal/dead in the home), backups, providers.

    The audit log keeps the conditions, of --text its SHA-256. What the journal held is gone within a minute.
    """
    from midwatch.cli.forget import forget as forget_exchanges
    from midwatch.cli.listing import moment

    people = {"user": user, "key_id": key, "client": client, "agent": agent, "app": app_name}
    when = {"until": moment(before, "--before"), "since": moment(since)}
    wanted = {**people, "trace_id": trace, "session": session, "text": text, "tenant": tenant, **when}
    return forget_exchanges(home_of(home), config, wanted, sure=yes, as_json=json)


def own_commands() -> set[str]:
    """The names of the commands above."""
    single = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    return single | {str(group.name) for group in app.registered_groups}


for _group, _name in (
    (traces_app, "traces"),
    (policy_app, "policy"),
    (rules_app, "rules"),
    (plugins_app, "plugins"),
    (migrate_app, "migrate"),
    (hosts_app, "hosts"),
    (tenants_app, "tenants"),
    (keys_app, "keys"),
    (audit_app, "audit"),
    (report_app, "report"),
    (ca_app, "ca"),
):
    app.add_typer(_group, name=_name)

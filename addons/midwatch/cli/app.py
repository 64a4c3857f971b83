"""The commands. Each imports what it needs when it runs: a listing must not wait for a proxy's imports."""

from pathlib import Path
from typing import Annotated, Any

import typer

from midwatch import __version__
from midwatch.cli.access_commands import audit_app, keys_app, tenants_app
from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of, pass_on


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
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent.")] = None,
    key: Annotated[str | None, typer.Option(metavar="ID", help="Only calls by this key.")] = None,
    user: Annotated[str | None, typer.Option(help="Only this user.")] = None,
    client: Annotated[str | None, typer.Option(help="Only this client address.")] = None,
    text: Annotated[str | None, typer.Option(help="Only with this in a text, whatever its case.")] = None,
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
def ca(home: HomeOption = None, json: JsonOption = False) -> int:
    """Where the CA is, and how each system and runtime is told to trust it."""
    from midwatch.cli.ca import explain_ca

    return explain_ca(home_of(home), as_json=json)


plugins_app = typer.Typer(help="Plugins: what is there, how it does; begin your own.", invoke_without_command=True)
app.add_typer(plugins_app, name="plugins")


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


def own_commands() -> set[str]:
    """The names of the commands above."""
    single = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    return single | {str(group.name) for group in app.registered_groups}


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
    from midwatch.cli.findings import Wanted, list_findings, severity_of
    from midwatch.cli.listing import moment

    exchanges = {"since": moment(since), "tenant": tenant, "trace_id": trace}
    wanted = Wanted(exchanges=exchanges, category=category, severity=severity_of(severity), limit=limit)
    return list_findings(home_of(home), config, wanted, as_json=json)


@app.command()
def forget(
    user: Annotated[str | None, typer.Option(help="Of this user.")] = None,
    key: Annotated[str | None, typer.Option(metavar="ID", help="Sent with this key, such as mw_k3f9x2ab.")] = None,
    client: Annotated[str | None, typer.Option(help="From this client's address.")] = None,
    agent: Annotated[str | None, typer.Option(help="Of this agent.")] = None,
    app_name: Annotated[str | None, typer.Option("--app", help="Of this application.")] = None,
    trace: Annotated[str | None, typer.Option(help="Of this trace.")] = None,
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

    people = {"user": user, "key_id": key, "client": client, "agent": agent, "app": app_name, "trace_id": trace}
    when = {"until": moment(before, "--before"), "since": moment(since)}
    wanted = {**people, "text": text, "tenant": tenant, **when}
    return forget_exchanges(home_of(home), config, wanted, sure=yes, as_json=json)


policy_app = typer.Typer(help="Policies: list, show, check, explain, simulate, versions.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")


@policy_app.command("list")
def policy_list(home: HomeOption = None, config: ConfigOption = None, json: JsonOption = False) -> int:
    """List the policies there are, and which is used."""
    from midwatch.cli.policy import list_policies

    return list_policies(home_of(home), config, as_json=json)


@policy_app.command("show")
def policy_show(
    name: Annotated[str | None, typer.Argument(help="A name or a file; the one in use if not given.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Print a policy as it is written."""
    from midwatch.cli.policy import show_policy

    return show_policy(home_of(home), config, name, as_json=json)


@policy_app.command("check")
def policy_check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    home: HomeOption = None,
    config: ConfigOption = None,
) -> int:
    """Check files of policies: 1 where one can't be used; what is doubtful is told."""
    from midwatch.cli.policy import check_policies

    return check_policies(home_of(home), config, files)


@policy_app.command("explain")
def policy_explain(
    exchange_id: Annotated[str, typer.Argument(metavar="ID")],
    policy: Annotated[str | None, typer.Option(help="A name or a file; default the configured one.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Say why a policy treats a stored exchange as it does, line by line."""
    from midwatch.cli.policy import explain_exchange

    return explain_exchange(home_of(home), config, exchange_id, policy, as_json=json)


@policy_app.command("simulate")
def policy_simulate(
    policy: Annotated[str, typer.Argument(metavar="FILE", help="A policy's file, or its name.")],
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601 or like 2h, 7d.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many exchanges are looked at, newest first.")] = 10_000,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Run a policy over stored exchanges, by their findings, and show what it would have changed."""
    from midwatch.cli.listing import moment
    from midwatch.cli.simulate import simulate

    return simulate(home_of(home), config, policy, since=moment(since), limit=limit, as_json=json)


@policy_app.command("versions")
def policy_versions(
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A policy's id; the one in use if not given.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 100,
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """List what a policy has been while it was in use, newest first; --json with its texts."""
    from midwatch.cli.policy_history import list_versions

    return list_versions(home_of(home), config, name, limit=limit, as_json=json)


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
    from midwatch.cli.scan import Asked
    from midwatch.cli.scan import scan as scan_texts

    return scan_texts(home_of(home), config, Asked(texts=(text,), where=where))


migrate_app = typer.Typer(help="The stores' schemas: how they stand, forward, back.", no_args_is_help=True)
app.add_typer(migrate_app, name="migrate")
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


app.add_typer(tenants_app, name="tenants")
app.add_typer(keys_app, name="keys")
app.add_typer(audit_app, name="audit")

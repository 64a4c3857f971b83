"""The commands of detection: `policy`, `rules`. As in `app`, each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from midwatch.cli.options import ConfigOption, HomeOption, JsonOption, home_of

policy_app = typer.Typer(help="Policies: list, show, check, simulate, publish, roll back.", no_args_is_help=True)


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


@policy_app.command("publish")
def policy_publish(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy's file; - is standard input.")],
    note: Annotated[str, typer.Option(help="Why; it stands in the audit log.")] = "",
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Put a policy into use, at once and over restarts, in place of the one that the configuration names."""
    from midwatch.cli.policy_publishing import publish

    return publish(home_of(home), config, file, note=note, as_json=json)


@policy_app.command("rollback")
def policy_roll_back(
    version: Annotated[int, typer.Argument(min=1, help="One of `policy versions`.")],
    home: HomeOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Put an earlier version of the policy in use into use again."""
    from midwatch.cli.policy_publishing import roll_back

    return roll_back(home_of(home), config, version, as_json=json)


@policy_app.command("withdraw")
def policy_withdraw(home: HomeOption = None, config: ConfigOption = None) -> int:
    """Use what the configuration names again, in place of what was published."""
    from midwatch.cli.policy_publishing import withdraw

    return withdraw(home_of(home), config)


rules_app = typer.Typer(help="Rule packs: list, check, schema.", no_args_is_help=True)


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

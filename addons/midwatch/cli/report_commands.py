"""The commands of `report`. As in `app`, each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from midwatch.cli.options import HomeOption, JsonOption, home_of, pass_on

report_app = typer.Typer(
    help="Reports: kinds, make, list, export. Made by a running Midwatch.", invoke_without_command=True
)

FormatOption = Annotated[str | None, typer.Option("--format", help="json, html or pdf; not given, by --out's ending.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="The file it is written to; - is standard output.")]


@report_app.callback()
def report(context: typer.Context, home: HomeOption = None, json: JsonOption = False) -> int:
    """List reports."""
    return 0 if pass_on(context) else report_list(home=home, json=json)


@report_app.command("kinds")
def report_kinds(home: HomeOption = None, json: JsonOption = False) -> int:
    """List what can be reported on."""
    from midwatch.cli.report import list_kinds

    return list_kinds(home_of(home), as_json=json)


@report_app.command("list")
def report_list(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 100,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """List reports, newest first."""
    from midwatch.cli.report import list_reports

    return list_reports(home_of(home), limit=limit, as_json=json)


@report_app.command("make")
def report_make(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="One of `report kinds`, such as gdpr.")],
    tenant: Annotated[str | None, typer.Option(help="Of this tenant; not given, of the whole installation.")] = None,
    since: Annotated[str, typer.Option(help="From this moment on, ISO 8601 or like 2h, 7d.")] = "30d",
    until: Annotated[str, typer.Option(help="Before this moment, ISO 8601 or like 2h, 7d; 0s is now.")] = "0s",
    form: FormatOption = None,
    out: OutOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Have a report made, and wait for it; with --out, write it to a file. 1 where it could not be made."""
    from midwatch.cli.listing import moment
    from midwatch.cli.report import make_report

    order = {"kind": kind, "tenant": tenant, "since": moment(since), "until": moment(until, "--until")}
    return make_report(home_of(home), order, form, out, as_json=json)


@report_app.command("export")
def report_export(
    report_id: Annotated[str, typer.Argument(metavar="ID", help="A report's id, from `report list`.")],
    form: FormatOption = None,
    out: OutOption = None,
    home: HomeOption = None,
) -> int:
    """Write a finished report to a file."""
    from midwatch.cli.report import export_report

    return export_report(home_of(home), report_id, form, out)

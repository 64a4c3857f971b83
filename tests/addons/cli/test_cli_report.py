"""`report`: what is ordered, waited for and written, by a control that lives in the home."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from midwatch.cli import main
from midwatch.home import Home
from midwatch_core.report_desk import ReportError, ReportKind, ReportOrder
from tests.addons.cli.administered import living_control, rows_of_control


async def _make(order: ReportOrder) -> bytes:
    if order.tenant == "broken":
        raise ReportError("there is nothing to report")
    return json.dumps({"tenant": order.tenant, "days": (order.until - order.since).days}).encode()


KIND = ReportKind(
    name="plain",
    title="Plain \x1b[31m",
    help="A plain report",
    make=_make,
    render=lambda body, form: body if form == "json" else b"<p>" + body,
    formats={"json": "application/json", "html": "text/html"},
)


async def done(*words: str) -> int:
    return await asyncio.to_thread(main, list(words))


async def test_a_report_is_made_listed_and_exported(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with living_control(home) as control:
        control.reports.open([KIND])
        task = asyncio.create_task(control.reports.run())
        (kind,) = await rows_of_control(capsys, "report", "kinds")
        assert (kind["name"], kind["formats"]) == ("plain", ["json", "html"])
        out = tmp_path / "plain.json"
        assert await done("report", "make", "plain", "--tenant", "acme", "--since", "7d", "--out", str(out)) == 0
        assert json.loads(out.read_bytes()) == {"tenant": "acme", "days": 7}
        assert out.stat().st_mode & 0o777 == 0o600
        assert capsys.readouterr().out == f"{out}\n"
        (row,) = await rows_of_control(capsys, "report", "list")
        assert (row["state"], row["tenant"], row["kind"]) == ("done", "acme", "plain")
        assert await done("report") == 0
        assert "\x1b" not in capsys.readouterr().out
        page = tmp_path / "plain.html"
        assert await done("report", "export", row["id"], "--out", str(page)) == 0
        assert page.read_bytes().startswith(b"<p>{")
        task.cancel()


async def test_a_format_that_needs_a_package_is_listed_with_what_brings_it(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    async with living_control(home) as control:
        control.reports.open([replace(KIND, needs={"html": "uv pip install 'midwatch[html]'"})])
        (kind,) = await rows_of_control(capsys, "report", "kinds")
        assert kind["needs"] == {"html": "uv pip install 'midwatch[html]'"}
        assert await done("report", "kinds") == 0
        assert "json, html (uv pip install 'midwatch[html]')" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("make", "plain", "--tenant", "broken"), "could not be made: there is nothing to report"),
        (("make", "fancy"), "no kind of report; there are plain"),
        (("make", "plain", "--since", "soon"), "expected a moment"),
        (("make", "plain", "--out", "x.docx"), "say which --format"),
        (("export", "none", "--out", "x.json"), "there is no report none"),
    ],
    ids=["broken", "no kind", "no moment", "no format", "no report"],
)
async def test_what_can_not_be_done_is_said(
    home: Home, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    async with living_control(home) as control:
        control.reports.open([KIND])
        task = asyncio.create_task(control.reports.run())
        assert await done("report", *words) != 0
        assert said in capsys.readouterr().err
        task.cancel()


def test_without_a_running_midwatch_it_says_what_is_missing(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "list"]) != 0
    assert "reports are made by a running Midwatch" in capsys.readouterr().err

"""Drawing: a document as a page that stands alone (no script, nothing fetched, to be printed), and as a PDF of it."""

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from midwatch_compliance.reporting.document import ComplianceReport
from midwatch_compliance.reporting.needs import PDF
from midwatch_compliance.reporting.usage import UsageReport
from midwatch_compliance.reporting.visible import visible
from midwatch_core import ReportError

_STATUS = {"evidenced": "Evidenced", "attention": "Needs attention", "not_covered": "Not covered"}


def page_of(report: ComplianceReport | UsageReport) -> str:
    """The page of a report. Its `main` is what the console shows within a page of its own."""
    if isinstance(report, ComplianceReport):
        return _environment().get_template("compliance.html").render(report=report, evidence=report.evidence)
    return _environment().get_template("usage.html").render(report=report, evidence=report)


def pdf_of(page: str) -> bytes:
    """The page as a PDF. Raises ReportError where the package that draws one is not installed.

    A report is made of itself: no protocol is allowed, so whatever a text makes it name is not fetched.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except ImportError as error:
        raise ReportError(f"PDF needs a package that is not there: {PDF}") from error
    except OSError as error:  # it is there, and the system's library it draws with is not
        raise ReportError(f"PDF needs the library Pango of the system: {error}") from error
    return bytes(HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).write_pdf())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("midwatch_compliance.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters.update(day=_day, moment=_moment, count=_count, dollars=_dollars, status=_STATUS.__getitem__)
    return environment


def _finalize(value: Any) -> Any:
    """Every expression passes here before it is escaped."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute, at.second) == (0, 0, 0) else f"{at:%Y-%m-%d %H:%M}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} {at.tzname() or ''}".strip()


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _dollars(value: float) -> str:
    """With leading digits, however small: what cost little did not cost nothing."""
    if value >= 0.01 or not value:
        return f"${value:,.2f}"
    return f"${value:.{max(6, 2 - Decimal(value).adjusted())}f}".rstrip("0")

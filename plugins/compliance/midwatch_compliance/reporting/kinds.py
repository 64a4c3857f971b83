"""The kinds of reports: one a framework, and the usage report."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from midwatch_compliance.evidence.collecting import collect
from midwatch_compliance.frameworks.model import Framework
from midwatch_compliance.reporting.document import ComplianceReport, compliance_report
from midwatch_compliance.reporting.needs import needs
from midwatch_compliance.reporting.usage import UsageReport, usage_report
from midwatch_core import Host, ReportError, ReportKind, ReportOrder

FORMATS = {"html": "text/html; charset=utf-8", "json": "application/json", "pdf": "application/pdf"}
USAGE = "usage"


def kinds_of(host: Host, frameworks: Iterable[Framework]) -> list[ReportKind]:
    """What can be reported on."""
    return [_usage(host), *(_compliance(host, framework) for framework in frameworks)]


@dataclass(frozen=True, slots=True)
class _Compliance:
    """A framework's report, of this host's evidence."""

    host: Host
    framework: Framework

    async def make(self, order: ReportOrder) -> bytes:
        """Collect once, judge, and keep both."""
        report = compliance_report(self.framework, await collect(self.host, order))
        return report.model_dump_json().encode()


def _compliance(host: Host, framework: Framework) -> ReportKind:
    return ReportKind(
        name=framework.id,
        title=framework.title,
        help=framework.help,
        make=_Compliance(host, framework).make,
        render=render,
        formats=FORMATS,
        needs=needs(),
    )


def _usage(host: Host) -> ReportKind:
    async def make(order: ReportOrder) -> bytes:
        return (await usage_report(host, order)).model_dump_json().encode()

    return ReportKind(
        name=USAGE,
        title="Usage and cost",
        help="Calls, tokens and money by team, model, agent and day, for who runs the platform",
        make=make,
        render=render,
        formats=FORMATS,
        needs=needs(),
    )


def render(document: bytes, form: str) -> bytes:
    """A document in one of FORMATS. Raises ReportError. What draws is imported here, in the thread that needs it."""
    if form == "json":
        return document
    from midwatch_compliance.reporting.drawing import page_of, pdf_of

    page = page_of(document_of(document))
    if form == "html":
        return page.encode()
    if form == "pdf":
        return pdf_of(page)
    raise ReportError(f"{form!r} is none of {', '.join(FORMATS)}")


def document_of(document: bytes) -> ComplianceReport | UsageReport:
    """A kept document. Raises ReportError for one of another version."""
    for model in (ComplianceReport, UsageReport):
        try:
            return model.model_validate_json(document)
        except ValidationError:
            continue
    raise ReportError("the report was made by another version of Midwatch: order it again")

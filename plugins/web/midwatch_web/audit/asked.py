"""What a request asks of the audit log."""

from typing import Annotated

from fastapi import Depends, Query

from midwatch_web.audit.looking import AuditFilter

_LONGEST = 500
type _Text = Annotated[str, Query(max_length=_LONGEST)]


def filter_of(actor: _Text = "", action: _Text = "", subject: _Text = "", tenant: _Text = "") -> AuditFilter:
    """The filter of a query string; an empty value is none. An action that ends in `.` is all that begin so."""
    return AuditFilter(
        actor=actor.strip() or None,
        action=action.strip() or None,
        subject=subject.strip() or None,
        tenant=tenant.strip() or None,
    )


type Wanted = Annotated[AuditFilter, Depends(filter_of)]
type Before = Annotated[int | None, Query(ge=1, lt=2**63, description="The cursor of the page before.")]

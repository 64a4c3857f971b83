"""The section `ensemble`: how cautious to be, for whom, and in which parts of a call."""

from collections.abc import Mapping

from pydantic import Field

from midwatch_core import Part, Section
from midwatch_ensemble.fusion import OperatingPoint

# Texts that people outside write; what an operator says to a model is weighed only where it is named here.
_UNTRUSTED = (Part.USER, Part.TOOL_RESULT, Part.DOCUMENT)


class Cautious(Section):
    """How cautious to be for one tenant."""

    operating_point: OperatingPoint | None = Field(None, description="As above, for this tenant.")
    threshold: float | None = Field(None, ge=-20, le=20, description="As above, for this tenant.")


class Settings(Section):
    """The section `ensemble`."""

    operating_point: OperatingPoint = Field(
        OperatingPoint.BALANCED,
        description="`high_recall`, `balanced` or `high_precision`: wrong on 5 %, 1 % or 0.1 % of harmless texts.",
    )
    threshold: float | None = Field(
        None, ge=-20, le=20, description="Log-odds from which on a text is a finding, instead of the point's own."
    )
    where: tuple[Part, ...] = Field(_UNTRUSTED, description="Parts of a call whose texts are weighed.")
    tenants: Mapping[str, Cautious] = Field(default_factory=dict, description="By tenant, what differs for it.")

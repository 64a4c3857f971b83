"""Which model of Bedrock, and where: by the path of a call, and the name of its host."""

import re

from midwatch_core.model.content import Json
from midwatch_core.wire.target import Target

# Kinds of resources whose name in an ARN is a model's; of the others (an application's inference profile, a
# provisioned or imported model) the ARN as a whole is the only name there is.
_NAMING = frozenset({"foundation-model", "inference-profile"})
_MAX_CHARACTERS = 2048
# docs.aws.amazon.com/general/latest/gr/bedrock.html; VPC endpoints have the service's name behind their own.
_REGION = re.compile(r"(?:^|\.)bedrock-(?:runtime|mantle)(?:-fips)?\.(?P<region>[a-z]{2}(?:-[a-z0-9]+)+)\.")


def model_of(target: Target) -> str | None:
    """The model's name: what the path has, for an ARN (docs.aws.amazon.com/bedrock, "modelId") what it names."""
    given = target.captures.get("model")
    if not given or not given.startswith("arn:"):
        return given
    kind, _, name = _parts(given)[-1].partition("/")
    return name if name and kind in _NAMING else given


def place(target: Target) -> dict[str, Json]:
    """The region, and the model's ARN where it was called by one: settings that stand beside the body."""
    found: dict[str, Json] = {}
    given = target.captures.get("model", "")
    named = _REGION.search(target.host.lower())
    parts = _parts(given) if given.startswith("arn:") else []
    if region := (named["region"] if named else parts[3] if len(parts) > 3 else ""):
        found["region"] = region
    if parts and len(given) <= _MAX_CHARACTERS:
        found["modelId"] = given
    return found


def _parts(arn: str) -> list[str]:
    """`arn`, partition, service, region, account, and the resource, which may have colons of its own."""
    return arn.split(":", 5)

"""Java's own list of CAs, `cacerts`, as keytool shows and changes it.

https://docs.oracle.com/en/java/javase/21/docs/specs/man/keytool.html
"""

import re
from collections.abc import Sequence

from midwatch.trust.steps import Anchor, Step

# The one of a Java that nobody changed; it guards nothing, the list is public.
_PASSWORD = ("-storepass", "changeit")
_IMPORT = ("-importcert", "-noprompt", "-trustcacerts")
# Ours, and what Debian's ca-certificates-java makes of ours in the system's store.
_ALIAS = re.compile(r"^((?:debian:)?midwatch-[0-9a-f]{12}(?:\.pem)?),", re.MULTILINE)


def listing(store: Sequence[str] = ("-cacerts",)) -> tuple[str, ...]:
    """The command that lists what is there."""
    return ("keytool", "-list", *store, *_PASSWORD)


def present(listed: str) -> tuple[str, ...]:
    """Our aliases in what `listing` printed."""
    return tuple(_ALIAS.findall(listed))


def java_steps(
    anchors: Sequence[Anchor], there: Sequence[str] = (), store: Sequence[str] = ("-cacerts",)
) -> tuple[Step, ...]:
    """What makes the list hold these of ours and no others; `there` are those it holds. None at all undoes it."""
    wanted = {item.name: item for item in anchors}
    covered = {alias.removeprefix("debian:").removesuffix(".pem") for alias in there}
    gone = [alias for alias in there if alias.removeprefix("debian:").removesuffix(".pem") not in wanted]
    return tuple(
        [Step(("keytool", "-delete", *store, *_PASSWORD, "-alias", alias), root=True) for alias in gone]
        + [
            Step(("keytool", *_IMPORT, *store, *_PASSWORD, "-alias", name, "-file", str(item.file)), root=True)
            for name, item in wanted.items()
            if name not in covered
        ]
    )

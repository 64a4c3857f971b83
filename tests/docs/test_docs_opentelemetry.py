"""The page on OpenTelemetry: an application's settings on it lead to the console as it is by default."""

import re
import subprocess
from urllib.parse import unquote

from midwatch_core.config import Config
from tests.docs.walking import DOCS

_PAGE = (DOCS / "opentelemetry.md").read_text()
_WITHIN_S = 30


def test_an_exporter_is_led_to_the_console() -> None:
    (block,) = re.findall(r"^```sh\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
    ran = subprocess.run(
        ["sh", "-euc", f"{block}\nenv"], env={}, check=True, capture_output=True, text=True, timeout=_WITHIN_S
    )
    found = dict(line.split("=", 1) for line in ran.stdout.splitlines() if line.startswith("OTEL_"))
    assert len(found) == 5
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{Config().console}"
    # A header's value is written as in a URL (specification, "OTLP exporter configuration").
    assert unquote(found["OTEL_EXPORTER_OTLP_HEADERS"]) == "authorization=Bearer mw_…"

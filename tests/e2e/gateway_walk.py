"""The walk that docs/gateway.md shows: commands at the three machines, and what each must say.

GATEWAY_TRANSCRIPT=1 uv run pytest tests/e2e/test_e2e_gateway.py      writes the page's transcript anew
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gateway.md"
_CURL = "curl -s -o answer.json -w '%{http_code}\\n' -H content-type:application/json"
_WHO = "curl -sv"
_OK = ("200",)
_THEIRS = ("Midwatch simulated providers",)
_BLOCK = re.compile(r"(?<=<!-- transcript -->\n```console\n).*?(?=```\n<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """A command at one of the machines, and texts that its output must hold."""

    where: str
    command: str
    says: tuple[str, ...]

    @property
    def line(self) -> str:
        """As the page shows it."""
        return f"{self.where}# {self.command}"


WALK = (
    Step("client", "env | grep -ic proxy", ("0",)),
    Step("client", "python gateway_udp.py ask 20.0.2.2", ("answered",)),
    Step("gateway", "redirect up --interface inside --to 8080", ()),
    Step(
        "client", f"{_CURL} -4 --cacert midwatch-ca.pem https://api.openai.com/v1/chat/completions -d @body.json", _OK
    ),
    Step(
        "client", f"{_CURL} -6 --cacert midwatch-ca.pem https://api.openai.com/v1/chat/completions -d @body.json", _OK
    ),
    Step("client", f"{_WHO} -4 --cacert midwatch-ca.pem https://api.openai.com/ 2>&1 | grep issuer", ("Midwatch CA",)),
    Step("client", f"{_WHO} -4 --cacert provider-ca.pem https://private.example/ 2>&1 | grep issuer", _THEIRS),
    Step("client", f"{_WHO} -6 --cacert provider-ca.pem https://private.example/ 2>&1 | grep issuer", _THEIRS),
    Step("client", f"{_WHO} --cacert provider-ca.pem https://20.0.2.2/ 2>&1 | grep issuer", _THEIRS),
    Step("client", f"{_WHO} --cacert provider-ca.pem 'https://[2600:db8::2]/' 2>&1 | grep issuer", _THEIRS),
    Step("client", "python gateway_udp.py ask 20.0.2.2", ("refused at once",)),
    Step("client", "python gateway_udp.py ask 2600:db8::2", ("refused at once",)),
    Step("client", "curl -4sk --interface 192.168.78.2 https://private.example/", ("Nobody here is known",)),
    Step("client", 'curl -s http://192.168.77.1:8080/ || echo "curl ended with $?"', ("curl ended with 52",)),
    Step("gateway", "redirect status", ('iifname != "inside" return', "redirect to :8080", "udp dport")),
    Step(
        "gateway",
        """midwatch traces --json | head -n 2 | grep -oE '"(tenant|client|host)":"[^"]*"' | paste -sd '  \\n'""",
        (
            '"tenant":"fleet-v6" "client":"fd77::2" "host":"api.openai.com"',
            '"tenant":"fleet-v4" "client":"192.168.77.2" "host":"api.openai.com"',
        ),
    ),
    Step("gateway", "redirect down", ()),
    Step("client", "python gateway_udp.py ask 20.0.2.2", ("answered",)),
    Step("client", f"{_WHO} -4 --cacert provider-ca.pem https://api.openai.com/ 2>&1 | grep issuer", _THEIRS),
)


def walked(steps: Iterable[Step], run: Callable[[Step], str]) -> str:
    """Take all steps; the transcript. AssertionError where one does not say what it must."""
    lines: list[str] = []
    for step in steps:
        output = run(step).rstrip("\n")
        for text in step.says:
            assert text in output, f"{step.line}\n{output}"
        lines += [step.line, *output.splitlines()]
    return "\n".join(lines) + "\n"


def shown() -> list[str]:
    """The command lines of the page's transcript."""
    found = _BLOCK.search(PAGE.read_text())
    assert found is not None, f"{PAGE} has no transcript"
    return [line for line in found[0].splitlines() if re.match(r"(client|gateway|provider)# ", line)]


def write(transcript: str) -> None:
    """Put a transcript in the page's place for it."""
    PAGE.write_text(_BLOCK.sub(lambda _: transcript, PAGE.read_text()))

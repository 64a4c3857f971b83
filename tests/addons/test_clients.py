"""The environment of a client: every variable that leads through the proxy, and nothing of the caller's lost."""

from pathlib import Path

import pytest

from midwatch.clients import client_environment

BUNDLE, CA, STORE = Path("/h/client-ca.pem"), Path("/h/ca.pem"), Path("/h/client-ca.p12")


def made(environ: dict[str, str], proxy: str = "http://127.0.0.1:8080") -> dict[str, str]:
    return client_environment(environ, proxy_url=proxy, bundle=BUNDLE, ca=CA, java_store=STORE)


def test_proxy_and_trust_are_set_for_each_runtime() -> None:
    found = made({})
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        assert found[name] == "http://127.0.0.1:8080"
    for name in (
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "AWS_CA_BUNDLE",
        "DENO_CERT",
    ):
        assert found[name] == str(BUNDLE)
    assert (found["NODE_EXTRA_CA_CERTS"], found["NODE_USE_ENV_PROXY"]) == (str(CA), "1")


def test_what_would_go_round_the_proxy_goes_through_it() -> None:
    found = made({"NO_PROXY": "api.openai.com", "no_proxy": "*", "HTTPS_PROXY": "http://corporate:3128"})
    assert (found["NO_PROXY"], found["no_proxy"], found["HTTPS_PROXY"]) == ("", "", "http://127.0.0.1:8080")


def test_the_callers_own_variables_stay_and_its_environment_is_not_touched() -> None:
    environ = {"PATH": "/bin", "OPENAI_API_KEY": "k", "NO_PROXY": "x"}
    found = made(environ)
    assert (found["PATH"], found["OPENAI_API_KEY"]) == ("/bin", "k")
    assert environ == {"PATH": "/bin", "OPENAI_API_KEY": "k", "NO_PROXY": "x"}


@pytest.mark.parametrize(
    ("proxy", "host", "port"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", "8080"),
        ("http://nightly@127.0.0.1:8080", "127.0.0.1", "8080"),
        ("http://[::1]:8080", "[::1]", "8080"),
    ],
)
def test_java_is_told_in_properties_after_its_own(proxy: str, host: str, port: str) -> None:
    words = made({"JAVA_TOOL_OPTIONS": "-Xmx1g"}, proxy)["JAVA_TOOL_OPTIONS"].split()
    assert words[0] == "-Xmx1g"
    assert {f"-Dhttps.proxyHost={host}", f"-Dhttps.proxyPort={port}", "-Dhttp.nonProxyHosts="} <= set(words)
    assert f"-Djavax.net.ssl.trustStore={STORE}" in words

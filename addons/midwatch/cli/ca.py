"""`ca`: where the CA's certificate is, and how to have it trusted."""

from midwatch.cli.printing import print_json
from midwatch.home import Home
from midwatch.trust import ensure_ca


def explain_ca(home: Home, *, as_json: bool) -> int:
    """Print the certificate's place and the commands; made first if there is none."""
    home.prepare()
    ensure_ca(home)
    certificate = str(home.ca_certificate)
    ways = _ways(certificate)
    if as_json:
        print_json([{"certificate": certificate, "trust": ways}])
        return 0
    print(f"The CA's certificate: {certificate}\n")
    for system, command in ways.items():
        print(f"{system:>22}  {command}")
    print("\nNothing needs to be trusted system-wide for: uv run run.py exec -- COMMAND …")
    return 0


def _ways(certificate: str) -> dict[str, str]:
    return {
        "Debian, Ubuntu": f"sudo cp {certificate} /usr/local/share/ca-certificates/midwatch.crt"
        " && sudo update-ca-certificates",
        "Fedora, RHEL": f"sudo cp {certificate} /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust",
        "macOS": f"sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {certificate}",
        "Windows": f"certutil -addstore root {certificate}",
        "curl": f"curl --cacert {certificate} …",
        "Python (httpx, openai)": f"SSL_CERT_FILE={certificate}",
        "Python (requests)": f"REQUESTS_CA_BUNDLE={certificate}",
        "Node.js": f"NODE_EXTRA_CA_CERTS={certificate} NODE_USE_ENV_PROXY=1",
        "Deno": f"DENO_CERT={certificate}",
        "Go": f"SSL_CERT_FILE={certificate}",
        "Java": f"keytool -importcert -noprompt -cacerts -alias midwatch -storepass changeit -file {certificate}",
        "git": f"git config --global http.sslCAInfo {certificate}",
        "AWS": f"AWS_CA_BUNDLE={certificate}",
        "gRPC": f"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH={certificate}",
        "Docker": f"docker run -v {certificate}:/ca.pem -e SSL_CERT_FILE=/ca.pem -e HTTPS_PROXY=http://HOST:8080 …",
    }

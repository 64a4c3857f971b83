"""Requests whose bodies are signed: AWS's Signature Version 4 covers a hash of the body, so an edited one is refused.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from mitmproxy import http

# AWS4-HMAC-SHA256, and AWS4-ECDSA-P256-SHA256 for signatures that hold in several regions.
_ALGORITHMS = ("AWS4-HMAC-", "AWS4-ECDSA-")
_NOT_COVERED = "UNSIGNED-PAYLOAD"
REASON = (
    "AWS would refuse the redacted request, because its body is signed (SigV4). Call Bedrock with an API key"
    " (AWS_BEARER_TOKEN_BEDROCK), whose requests can be redacted"
)


def signs_body(headers: http.Headers) -> bool:
    """Whether a request's signature holds for its body as it is, and for no other."""
    if not headers.get("authorization", "").startswith(_ALGORITHMS):
        return False
    return bool(headers.get("x-amz-content-sha256", "") != _NOT_COVERED)

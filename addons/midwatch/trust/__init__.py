"""Certificates: our CA and its life, what clients are told to trust, and the bundles that say so.

`authority` reads and checks a CA, `making` makes one, `keeping` has the home's (or the one of `tls.ca`) and what takes
over when; `bundles` writes it beside the public ones; `systems` and `runtimes` know how each is told, `trying` whether
it was. Nothing here imports more than the standard library before it is needed.
"""

from midwatch.trust.bundles import public_cas, write_client_bundle, write_upstream_bundle
from midwatch.trust.ensuring import ensure_ca

__all__ = ["ensure_ca", "public_cas", "write_client_bundle", "write_upstream_bundle"]

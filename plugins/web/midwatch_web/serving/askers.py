"""Who asks: a program, which is answered in JSON, or a person, who gets pages."""

# Paths that programs ask. Everything else is a page, unless the asker says that it reads none.
_PROGRAMS = ("/api/", "/metrics", "/healthz", "/readyz", "/startupz")
# The predecessor's: what stands there for a browser is elsewhere.
_OLD = ("/spans", "/stats", "/security/findings", "/costs/current", "/auth/keys", "/tenants", "/reports/generate")


def is_program(path: str, accept: str) -> bool:
    """Whether the asker for `path`, who takes what `accept` says, is a program."""
    if path.startswith(_PROGRAMS):
        return True
    if "text/html" in accept:
        return False
    old = path == "/traces" or any(path == place or path.startswith(f"{place}/") for place in _OLD)
    return old or "application/json" in accept

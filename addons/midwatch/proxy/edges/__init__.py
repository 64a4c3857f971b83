"""Hard edges: what strangers may ask of a worker, and where they may be led. Each refusal is counted.

Its counterparts in mitmproxy's own layers are `head-bounds`, `body-bounds`, `hello-bounds`, `http2-bounds`,
`http2-windows` and `held-reading` (lean).
"""

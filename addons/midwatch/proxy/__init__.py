"""The data plane: mitmproxy's addons of ours and the worker process that runs them. Its counterpart is `control`."""

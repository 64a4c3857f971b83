"""The mitmproxy host of Midwatch: addons, supervisor, control process and command line.

mitmproxy is imported under this package only, and only where a proxy runs.
"""

__version__ = "0.1.0"

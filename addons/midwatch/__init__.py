"""The mitmproxy host of Midwatch: addons, supervisor, control process, command line."""

"""The worker process, `python -m midwatch.proxy.worker`; started by the supervisor, not by hand."""

import sys

from midwatch.proxy.few_addons import few_addons

if __name__ == "__main__":
    few_addons()
    from midwatch.proxy.serving import main

    sys.exit(main())

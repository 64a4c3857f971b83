"""What holds for all tests."""

import os

from hypothesis import settings

# A loaded machine is no failure: speed is shown in benchmarks/.
# CI has half an hour for everything: fewer examples each time, but others.
settings.register_profile("midwatch", deadline=None, max_examples=40 if os.environ.get("CI") else 100)
settings.load_profile("midwatch")

"""What holds for all tests."""

from hypothesis import settings

# A loaded machine is no failure: speed is shown in benchmarks/.
settings.register_profile("midwatch", deadline=None)
settings.load_profile("midwatch")

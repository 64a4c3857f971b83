"""Threading: which conversation an exchange belongs to, where it stands there, and which tools ran before it.

The counterpart is the pipeline, which threads each exchange before it is stored.
"""

from midwatch_core.threads.seeding import seed
from midwatch_core.threads.threader import Threader

__all__ = ["Threader", "seed"]

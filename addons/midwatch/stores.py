"""The stores of an installation as its settings name them: secrets filled in, texts encrypted where that is asked."""

from dataclasses import replace

from midwatch.control.encrypting import with_encryption
from midwatch.settings import Settings
from midwatch_core.config import PluginSettings
from midwatch_core.pipeline import Pace
from midwatch_core.secret_text import resolve_secrets
from midwatch_core.storage import Storage, open_storage, storage_profile

# A server far away takes many at once as quickly as few; a file here is locked for as long as a batch takes.
_FAR = Pace(batch_frames=1000, batch_bytes=16 * 1024 * 1024)
_NEAR = ("sqlite:", "memory:")


def pace_of(traces_url: str, plugins: PluginSettings) -> Pace:
    """How much is stored at once in the trace repository at this URL, and how long that waits for models."""
    pace = Pace() if traces_url.startswith(_NEAR) else _FAR
    return replace(pace, models_s=plugins.models_wait_s, models_behind_s=plugins.models_wait_behind_s)


def stores_of(settings: Settings) -> Storage:
    """All stores, not yet started. Raises ConfigError."""
    key = settings.config.storage.encryption.key
    profile = storage_profile(settings.config, settings.home.root)
    return with_encryption(
        open_storage(settings.plugins, profile),
        None if key is None else resolve_secrets(key, key="storage.encryption.key"),
    )

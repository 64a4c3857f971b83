"""Views of a text: the original, normalised, and what is decoded from it; computed once, shared by all detectors."""

from midwatch_core.views.text import Text
from midwatch_core.views.view import View

__all__ = ["Text", "View"]

"""espnet-soups: one speech model, many objectives, trained on levels."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from espnet_soups.inference.speech2text import Speech2Text

__version__ = "0.1.0"
__all__ = ["Speech2Text"]


def __getattr__(name: str) -> Any:
    """Import `Speech2Text` on first use, since it brings torch and ESPnet along."""
    if name == "Speech2Text":
        from espnet_soups.inference.speech2text import Speech2Text

        return Speech2Text
    raise AttributeError(f"module 'espnet_soups' has no attribute {name!r}")

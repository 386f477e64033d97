"""espnet-soups: one speech model, many objectives, trained on levels without a fight."""

import atexit
import ctypes
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from espnet_soups.inference.speech2text import Speech2Text

__version__ = "0.1.0"
__all__ = ["Speech2Text"]


def __getattr__(name: str) -> Any:
    """Imports `Speech2Text` on first use, since it brings torch and ESPnet along."""
    if name == "Speech2Text":
        from espnet_soups.inference.speech2text import Speech2Text

        return Speech2Text
    raise AttributeError(f"module 'espnet_soups' has no attribute {name!r}")


def _keep_swig_capsules() -> None:
    """Keeps SWIG's capsules alive at exit: sentencepiece 0.2.1, which ESPnet pins, crashes the
    interpreter (status 139) when Python 3.12 destroys them after all work is done."""
    for name, module in list(sys.modules.items()):
        if name.startswith("swig_runtime_data"):
            for value in list(vars(module).values()):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


atexit.register(_keep_swig_capsules)

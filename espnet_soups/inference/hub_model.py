"""Fetch a bundle from the Hugging Face hub."""

import re
from pathlib import Path
from typing import Any

NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")  # organisation/model, and perhaps @revision


def import_hub() -> Any:
    """Return the module `huggingface_hub`.

    Raises:
        ValueError: If it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise ValueError(
            "The Hugging Face hub needs huggingface_hub, which is not installed: pip install"
            " 'espnet-soups[hub]'."
        ) from error
    return huggingface_hub


def fetch_bundle(name: str) -> Path:
    """Return the folder of a bundle on the hub, fetched unless the hub's cache has it.

    Args:
        name: `organisation/model`, or `organisation/model@revision`.

    Raises:
        ValueError: If it cannot be fetched; the message has the reason.
    """
    hub = import_hub()
    model, _, revision = name.partition("@")
    try:
        return Path(hub.snapshot_download(model, revision=revision or None))
    except Exception as error:  # of the hub, and of whatever it uses for HTTP
        failed = "is not a file or folder, and could not be fetched"
        raise unreachable(name, failed, error) from error


def unreachable(name: str, failed: str, error: Exception) -> ValueError:
    """Return an error that names a model, what failed, and why, in one line.

    Args:
        name: Name of the model.
        failed: What failed, as part of a sentence.
        error: The cause.
    """
    reason = " ".join(str(error).split())[:200].rstrip(". ")
    return ValueError(
        f"{name} {failed} (Hugging Face hub): {reason or type(error).__name__}; check the name,"
        " the network, and for a private model `hf auth login`."
    )

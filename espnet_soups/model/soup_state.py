"""What of a soup travels in the state of the optimiser, into `checkpoint.pth` and back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from espnet_soups.model.soup import Soup

KEY = "soup"
BUFFERS = ("weights", "norms", "norm_steps")


def save_state(soup: "Soup", state: dict[str, Any]) -> dict[str, Any]:
    """Adds the state of a soup to that of the optimiser."""
    buffers = {name: getattr(soup, name).clone() for name in BUFFERS}
    state[KEY] = {"levels": _levels(soup), **buffers}
    return state


def load_state(soup: "Soup", state: Mapping[str, Any]) -> dict[str, Any]:
    """Sets a soup to the state in a checkpoint, and gives the rest to the optimiser.

    Raises:
        ValueError: If the checkpoint has no soup, or one of other levels.
    """
    levels, saved = _levels(soup), state.get(KEY)
    if saved is None or saved["levels"] != levels:
        found = "no soup (another trainer)" if saved is None else f"levels {saved['levels']}"
        raise ValueError(
            f"checkpoint.pth cannot be resumed: it holds {found}, but this run has levels"
            f" {levels}. Use another `--output_dir`, or `--resume false`."
        )
    for name in BUFFERS:
        getattr(soup, name).copy_(saved[name])
    return {key: value for key, value in state.items() if key != KEY}


def _levels(soup: "Soup") -> list[list[str]]:
    return [[soup.names[index] for index in level] for level in soup.hierarchy.levels]
